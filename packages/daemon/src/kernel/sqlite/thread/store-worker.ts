import { subscribe } from "node:diagnostics_channel";
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../clock.ts";
import type { Store } from "../../store.ts";
import { FLUSH_CHANNEL, type Flush, SYNC_CHANNEL, type Sync } from "../../store-channels.ts";
import { NEWS } from "../../waiting.ts";
import { openDatabase } from "../database.ts";
import { SqliteStore } from "../store.ts";
import { type Answer, asked, type Call, failureOf, type Report } from "./protocol.ts";

/** Entry of the store's thread: an empty report when the file is open, then calls in and reports out. */
const { path } = workerData as { path: string };
const { db, schemaVersion } = openDatabase(path, systemClock);
const store: Store = new SqliteStore(db, path, schemaVersion);
let report: Report | undefined;

/** What is to be said now, in one message at the end of what happens at once: the commits of a flush are answered together. */
function saying(): Report {
  if (report === undefined) {
    report = { answers: [], news: [], flushes: [], syncs: [] };
    queueMicrotask(() => {
      parentPort?.postMessage(JSON.stringify(report));
      report = undefined;
    });
  }
  return report;
}

async function answer({ id, method, args }: Call): Promise<Answer> {
  try {
    return { id, result: await asked(store, method, args) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

for (const news of NEWS) store.onCommit(news, () => saying().news.push(news));
subscribe(FLUSH_CHANNEL, (flush) => saying().flushes.push(flush as Flush));
subscribe(SYNC_CHANNEL, (sync) => saying().syncs.push(sync as Sync));
parentPort?.on("message", (text: string) => {
  for (const call of JSON.parse(text) as Call[]) {
    void answer(call).then((told) => saying().answers.push(told));
  }
});
saying();
