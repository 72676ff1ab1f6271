/** A daemon that holds a lease and commits under it until it is refused, and tells what was acknowledged. */
import { writeSync } from "node:fs";
import type { Op } from "../store.ts";
import { openPostgresStore } from "./index.ts";

const [url = ""] = process.argv.slice(2);
const store = await openPostgresStore({ url });
const taken = await store.commit([
  { op: "acquire-lease", name: "session", owner: "paused", nowMs: 0, leaseMs: 1 },
]);
const fence = taken.ok ? taken.leases[0] : undefined;
if (fence === undefined) throw new Error("the lease is held by another");

const append: Op = { op: "append", stream: "session", events: [{ type: "noted", atMs: 0, data: "paused" }] };

async function answer(): Promise<string> {
  try {
    const result = await store.commit([append], fence && { fence });
    return result.ok ? "landed" : result.reason;
  } catch {
    return "unknown";
  }
}

async function write(): Promise<void> {
  for (let said = ""; said !== "stale_fence"; ) {
    said = await answer();
    writeSync(1, `${said}\n`);
  }
}

await Promise.all(Array.from({ length: 5 }, write));
await store.close();
