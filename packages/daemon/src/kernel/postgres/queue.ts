import type { QueueItem } from "../store.ts";
import { ITEM_COLUMNS, type Item, queueItem } from "./queue-item.ts";
import type { Readers } from "./readers.ts";
import { Statement } from "./statement.ts";

const ITEM = `SELECT ${ITEM_COLUMNS} FROM queue_items i WHERE i.queue = $1`;

const nextReady = new Statement<[string], { atMs: number | null }>(
  "queue.next-ready",
  `SELECT min(ready_at_ms) AS "atMs" FROM queue_items WHERE queue = $1`,
);
const find = new Statement<[string, string], Item>(
  "queue.find",
  `${ITEM} AND i.key = $2 AND i.buried_no IS NULL`,
);
const letters = new Statement<[string, number], Item>(
  "queue.letters",
  `${ITEM} AND i.buried_no IS NOT NULL ORDER BY i.buried_no LIMIT $2`,
);

export class Queue {
  readonly #readers: Readers;

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  async nextDueAt(queue: string): Promise<number | undefined> {
    const [next] = await this.#readers.run(nextReady, queue);
    return next?.atMs ?? undefined;
  }

  async get(queue: string, key: string): Promise<QueueItem | undefined> {
    const [item] = await this.#readers.run(find, queue, key);
    return item && queueItem(item);
  }

  async deadLetters(queue: string, limit: number): Promise<QueueItem[]> {
    return (await this.#readers.run(letters, queue, limit)).map(queueItem);
  }
}
