import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { Json } from "@kheish/contract";
import { RecentMap } from "../recent-map.ts";
import type { Committed, NewEvent, StoredEvent, StreamRange } from "../store.ts";
import { limit, Query } from "./query.ts";

export type Appended = Committed["appended"][number];

type EventRow = { position: number; seq: number; type: string; at_ms: number; data: string };
type NamedEventRow = EventRow & { stream: string };

const COLUMNS = "position, seq, type, at_ms, data";
const NO_LIMIT = -1;
/** Streams whose end is known; a few hundred bytes each. */
const MAX_HEADS = 4096;
/** An append of this many events or fewer is one statement. */
const MAX_ROWS = 8;
const ROW_WIDTH = 5;

type EventColumns = [streamId: number, seq: number, type: string, atMs: number, data: string];

/** Where a stream ends; `id` is its row in `streams`. */
interface StreamHead {
  readonly id: number;
  lastSeq: number;
}

/** The journal: seqs and positions are given while the write lock is held, so a reader never sees a gap (K3, K4). */
export class Journal {
  /** An append to a busy stream reads nothing. A cache: what was rolled back must be forgotten. */
  readonly #heads = new RecentMap<StreamHead>(MAX_HEADS);
  readonly #findStream;
  readonly #insertStream;
  /** By the number of rows less one. */
  readonly #insertEvents: Query<SQLInputValue[]>[];
  readonly #at;
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
    this.#insertEvents = Array.from({ length: MAX_ROWS }, (_, less) => {
      const rows = Array.from({ length: less + 1 }, () => "(?, ?, ?, ?, ?)");
      return new Query<SQLInputValue[]>(
        db,
        `INSERT INTO events (stream_id, seq, type, at_ms, data) VALUES ${rows.join(", ")}`,
      );
    });
    this.#at = new Query<[number, number], EventRow>(
      db,
      `SELECT ${COLUMNS} FROM events WHERE stream_id = ? AND seq = ?`,
    );
    this.#positionAt = new Query<[number, number], { position: number }>(
      db,
      "SELECT position FROM events WHERE stream_id = ? AND seq = ?",
    );
    const range = `SELECT ${COLUMNS} FROM events WHERE stream_id = ? AND seq > ? AND seq <= ? ORDER BY seq`;
    this.#forward = new Query<[number, number, number, number], EventRow>(db, `${range} ${limit()}`);
    this.#backward = new Query<[number, number, number, number], EventRow>(db, `${range} DESC ${limit()}`);
    this.#everything = new Query<[number, number], NamedEventRow>(
      db,
      `SELECT ${COLUMNS}, name AS stream FROM events JOIN streams ON streams.id = stream_id
       WHERE position > ? ORDER BY position ${limit()}`,
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
    const lastPosition = this.#insert(target, events);
    return { firstSeq: lastSeq + 1, lastSeq: target.lastSeq, lastPosition };
  }

  /** To be called whenever appends were rolled back. */
  forget(): void {
    this.#heads.clear();
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

  readEvents(stream: string, seqs: readonly number[]): StoredEvent[] {
    const head = this.#head(stream);
    if (head === undefined) return [];
    return ascending(seqs).flatMap((seq) => {
      const row = this.#at.get(head.id, seq);
      return row === undefined ? [] : [storedEvent(stream, row)];
    });
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
    return row && this.#know(stream, { id: row.id, lastSeq: row.last_seq });
  }

  #create(stream: string): StreamHead {
    return this.#know(stream, { id: this.#insertStream.insert(stream), lastSeq: 0 });
  }

  #know(stream: string, head: StreamHead): StreamHead {
    this.#heads.set(stream, head);
    return head;
  }

  /** Answers the position of the last one. */
  #insert(target: StreamHead, events: readonly EncodedEvent[]): number {
    let lastPosition = 0;
    for (let done = 0; done < events.length; done += MAX_ROWS) {
      const columns = events.slice(done, done + MAX_ROWS).flatMap(({ type, atMs, json }): EventColumns => {
        target.lastSeq += 1;
        return [target.id, target.lastSeq, type, atMs, json];
      });
      const query = this.#insertEvents[columns.length / ROW_WIDTH - 1];
      lastPosition = query?.insert(...columns) ?? lastPosition;
    }
    return lastPosition;
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

function ascending(seqs: readonly number[]): number[] {
  return [...new Set(seqs)].sort((a, b) => a - b);
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
