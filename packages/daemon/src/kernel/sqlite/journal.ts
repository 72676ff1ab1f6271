import type { DatabaseSync } from "node:sqlite";
import type { Json } from "@kheish/contract";
import type { Committed, NewEvent, StoredEvent, StreamRange } from "../store.ts";
import { Query } from "./query.ts";
import { type StreamHead, StreamHeads } from "./stream-heads.ts";

export type Appended = Committed["appended"][number];

type EventRow = { position: number; seq: number; type: string; at_ms: number; data: string };
type NamedEventRow = EventRow & { stream: string };

const COLUMNS = "position, seq, type, at_ms, data";
const NO_LIMIT = -1;

/** The journal: seqs and positions are given while the write lock is held, so a reader never sees a gap (K3, K4). */
export class Journal {
  readonly #heads = new StreamHeads();
  readonly #findStream;
  readonly #insertStream;
  readonly #insertEvent;
  readonly #positionAt;
  readonly #forward;
  readonly #backward;
  readonly #everything;
  readonly #newest;

  constructor(db: DatabaseSync) {
    this.#findStream = new Query<[string], { id: number; last_seq: number }>(
      db,
      `SELECT id, (SELECT coalesce(max(seq), 0) FROM events WHERE stream_id = streams.id) AS last_seq
       FROM streams WHERE name = ?`,
    );
    this.#insertStream = new Query<[string]>(db, "INSERT INTO streams (name) VALUES (?)");
    this.#insertEvent = new Query<[number, number, string, number, string]>(
      db,
      "INSERT INTO events (stream_id, seq, type, at_ms, data) VALUES (?, ?, ?, ?, ?)",
    );
    this.#positionAt = new Query<[number, number], { position: number }>(
      db,
      "SELECT position FROM events WHERE stream_id = ? AND seq = ?",
    );
    const range = `SELECT ${COLUMNS} FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq`;
    this.#forward = new Query<[number, number, number, number], EventRow>(db, `${range} LIMIT ?`);
    this.#backward = new Query<[number, number, number, number], EventRow>(db, `${range} DESC LIMIT ?`);
    this.#everything = new Query<[number, number], NamedEventRow>(
      db,
      `SELECT ${COLUMNS}, name AS stream FROM events JOIN streams ON streams.id = stream_id
       WHERE position > ? ORDER BY position LIMIT ?`,
    );
    this.#newest = new Query<[], { position: number }>(
      db,
      "SELECT coalesce(max(position), 0) AS position FROM events",
    );
  }

  /** Undefined when the stream does not end at `expectedSeq`. */
  append(
    stream: string,
    events: readonly EncodedEvent[],
    expectedSeq: number | undefined,
  ): Appended | undefined {
    const head = this.#head(stream);
    const lastSeq = head?.lastSeq ?? 0;
    if (expectedSeq !== undefined && expectedSeq !== lastSeq) return undefined;
    if (events.length === 0) return { firstSeq: lastSeq + 1, lastSeq, lastPosition: this.head() };
    const target = head ?? this.#create(stream);
    let lastPosition = 0;
    for (const event of events) {
      target.lastSeq += 1;
      lastPosition = this.#insertEvent.insert(target.id, target.lastSeq, event.type, event.atMs, event.json);
    }
    return { firstSeq: lastSeq + 1, lastSeq: target.lastSeq, lastPosition };
  }

  /** To be called whenever appends were rolled back. */
  forget(): void {
    this.#heads.forget();
  }

  readStream(stream: string, range: StreamRange): StoredEvent[] {
    const head = this.#head(stream);
    if (head === undefined) return [];
    const passed = range.afterPosition === undefined ? 0 : this.#lastSeqUpTo(head, range.afterPosition);
    const query = range.reverse ? this.#backward : this.#forward;
    return query
      .all(
        head.id,
        Math.max(range.afterSeq ?? 0, passed),
        range.toSeq ?? Number.MAX_SAFE_INTEGER,
        range.limit ?? NO_LIMIT,
      )
      .map((row) => storedEvent(stream, row));
  }

  streamHead(stream: string): number {
    return this.#head(stream)?.lastSeq ?? 0;
  }

  readAll(afterPosition: number, limit: number): StoredEvent[] {
    return this.#everything.all(afterPosition, limit).map((row) => storedEvent(row.stream, row));
  }

  head(): number {
    return this.#newest.get()?.position ?? 0;
  }

  #head(stream: string): StreamHead | undefined {
    const known = this.#heads.get(stream);
    if (known !== undefined) return known;
    const row = this.#findStream.get(stream);
    return row && this.#heads.add(stream, { id: row.id, lastSeq: row.last_seq });
  }

  #create(stream: string): StreamHead {
    return this.#heads.add(stream, { id: this.#insertStream.insert(stream), lastSeq: 0 });
  }

  /** Positions grow with seqs, so the seq of a position is found in as many look-ups as the head has bits. */
  #lastSeqUpTo(head: StreamHead, position: number): number {
    let low = 0;
    let high = head.lastSeq;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const found = this.#positionAt.get(head.id, middle);
      if (found !== undefined && found.position <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** An event as its row holds it, made before the transaction so that nothing in it can fail on a value. */
export interface EncodedEvent {
  type: string;
  atMs: number;
  json: string;
}

export function encodeEvent(event: NewEvent): EncodedEvent {
  return { type: event.type, atMs: event.atMs, json: JSON.stringify(event.data) };
}

function storedEvent(stream: string, row: EventRow): StoredEvent {
  return {
    position: row.position,
    stream,
    seq: row.seq,
    type: row.type,
    atMs: row.at_ms,
    data: JSON.parse(row.data) as Json,
  };
}
