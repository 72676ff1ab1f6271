/**
 * A process that commits until it is killed, and tells every acknowledged number on its output. Its store moves to a thread
 * of its own where that is asked for, or there and back without a pause.
 */
import { openMovingStore } from "./index.ts";

const WRITERS = 20;
const [path = "", moves] = process.argv.slice(2);
const store = await openMovingStore({ path, processors: 1 });
if (moves !== undefined) void move();

async function move(): Promise<void> {
  await store.move();
  while (moves === "to and fro") {
    await store.comeBack();
    await store.move();
  }
}

async function write(): Promise<never> {
  for (;;) {
    const id = await store.reserveIds("numbers", 1);
    const result = await store.commit([
      { op: "append", stream: "journal", events: [{ type: "noted", atMs: 0, data: id }] },
      { op: "put", kind: "thing", id: `${id}`, data: id, keys: { by_id: [id] }, expectedRevision: 0 },
      { op: "enqueue", queue: "work", key: `${id}`, dueAtMs: 0, payload: id },
    ]);
    if (!result.ok) throw new Error(`number ${id} was given twice: ${result.reason}`);
    process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
