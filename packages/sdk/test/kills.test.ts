import { afterEach, expect, test } from "vitest";
import { Kheish, type RunView } from "../src/index.ts";
import { bash, type LiveDaemon, liveDaemon, script } from "./support/daemon.ts";

const KILLS = 20;
const SESSIONS = 4;

let live: LiveDaemon | undefined;
afterEach(() => live?.stop());

/**
 * Real processes: the daemon is killed with SIGKILL, twenty times, while consumers and submitters of this package work
 * against it. What they saw is compared with what the journal says when all is over.
 */
test("01-R59 through 20 kills of the daemon a consumer sees every durable event once, and every submission is one run", async () => {
  live = await liveDaemon("--permission-mode", "bypass-permissions");
  const { daemon } = live;
  const kheish = new Kheish({ baseUrl: daemon.baseUrl, maxRetries: 50 });

  const seen: string[] = [];
  let connections = 0;
  const all = kheish.events.stream({
    cursor: "start",
    onConnection: (state) => (connections += Number(state === "open")),
  });
  const consumed = (async () => {
    for await (const { id } of all) if (id !== undefined) seen.push(id);
  })();
  // Opened before anything happened: it begins now, and now is then.
  const fromNow = kheish.events.stream();
  const liveIds: string[] = [];
  const firstLive = fromNow.next();

  const prompt = script(...["a", "b", "c"].map((step) => bash(`sleep 0.05; echo ${step}`)), { text: "done" });
  let isOver = false;
  const submitAll = async (session: string): Promise<RunView[]> => {
    const views: RunView[] = [];
    while (!isOver) {
      const run = await kheish.responses.create({ session, prompt });
      views.push((await run.wait()).run);
    }
    return views;
  };
  const work = Promise.all(Array.from({ length: SESSIONS }, (_, index) => submitAll(`s${index}`)));
  const watched = (async () => {
    const first = await firstLive;
    if (!first.done && first.value.id !== undefined) liveIds.push(first.value.id);
    for await (const { id } of fromNow) if (id !== undefined) liveIds.push(id);
  })();

  for (let kill = 0; kill < KILLS; kill++) {
    // By progress, not by the clock: each daemon did something before it died.
    const before = seen.length;
    while (seen.length < before + 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    await daemon.kill();
    await daemon.restart();
  }
  isOver = true;
  const runs = (await work).flat();
  expect(runs.map(({ status }) => status)).toEqual(runs.map(() => "completed"));
  expect(runs.every(({ outputs }) => outputs?.[0]?.content === "done")).toBe(true);

  // The journal may end with what no stream shows.
  await kheish.api.createSession({ body: { session_id: "the-end" } });
  let head = 0n;
  for await (const { id } of kheish.events.stream({ cursor: "start", session_id: "the-end" })) {
    head = BigInt(id ?? "0");
    break;
  }
  while (BigInt(seen.at(-1) ?? "0") < head || BigInt(liveIds.at(-1) ?? "0") < head)
    await new Promise((resolve) => setTimeout(resolve, 20));
  all.close();
  fromNow.close();
  await Promise.all([consumed, watched]);

  const journal: string[] = [];
  for await (const { id } of kheish.events.stream({ cursor: "start" })) {
    if (id !== undefined) journal.push(id);
    if (BigInt(id ?? "0") >= head) break;
  }
  expect(seen, "each event of the journal, once, in order").toEqual(journal);
  expect(liveIds, "from the first on that came after it began").toEqual(
    journal.slice(journal.indexOf(liveIds[0] ?? "")),
  );
  expect(connections).toBeGreaterThan(KILLS);
  const made = await kheish.runs.list().toArray();
  expect(made.map(({ run_id }) => run_id).sort()).toEqual(runs.map(({ run_id }) => run_id).sort());
  expect(
    made.reduce((sum, { usage }) => sum + (usage?.restarts ?? 0), 0),
    "the kills hit work",
  ).toBeGreaterThan(0);
}, 240_000);
