import type { Json } from "@kheish/contract";
import type { StoredEvent, StreamRange } from "../store.ts";
import type { Readers } from "./readers.ts";
import { Statement } from "./statement.ts";

export type EventRow = { position: number; seq: number; type: string; atMs: number; data: string };

/**
 * Positions grow with seqs, so the last seq of a stream up to a position is found by halving.
 * It stands in a CASE: a reader that names no position does not search for one.
 */
const LAST_SEQ_UP_TO_POSITION = `
  CASE WHEN $2::bigint = 0 THEN 0 ELSE (
    WITH RECURSIVE search (stream_id, low, high) AS (
      SELECT id, 0::bigint, last_seq FROM streams WHERE name = $1
      UNION ALL
      SELECT search.stream_id,
        CASE WHEN e.position <= $2 THEN e.seq ELSE low END,
        CASE WHEN e.position <= $2 THEN high ELSE e.seq - 1 END
      FROM search JOIN events e ON e.stream_id = search.stream_id AND e.seq = (low + high + 1) / 2
      WHERE low < high
    )
    SELECT low FROM search WHERE low = high
  ) END`;
const STREAM = `
  SELECT position, seq, type, at_ms AS "atMs", data FROM events
  WHERE stream_id = (SELECT id FROM streams WHERE name = $1)
    AND seq > greatest($3, ${LAST_SEQ_UP_TO_POSITION}) AND seq <= $4`;

type StreamBounds = [
  stream: string,
  afterPosition: number,
  afterSeq: number,
  toSeq: number,
  limit: number | null,
];
const forward = new Statement<StreamBounds, EventRow>("journal.forward", `${STREAM} ORDER BY seq LIMIT $5`);
const backward = new Statement<StreamBounds, EventRow>(
  "journal.backward",
  `${STREAM} ORDER BY seq DESC LIMIT $5`,
);
const named = new Statement<[string, number[]], EventRow>(
  "journal.named",
  `SELECT position, seq, type, at_ms AS "atMs", data FROM events
   WHERE stream_id = (SELECT id FROM streams WHERE name = $1) AND seq = ANY ($2::bigint[]) ORDER BY seq`,
);
const everything = new Statement<[number, number], EventRow & { stream: string }>(
  "journal.everything",
  `SELECT position, name AS stream, seq, type, at_ms AS "atMs", data
   FROM events JOIN streams ON streams.id = stream_id
   WHERE position > $1 ORDER BY position LIMIT $2`,
);
const streamHead = new Statement<[string], { lastSeq: number }>(
  "journal.stream-head",
  `SELECT last_seq AS "lastSeq" FROM streams WHERE name = $1`,
);
const newestPosition = new Statement<[], { position: number }>(
  "journal.newest-position",
  "SELECT coalesce(max(position), 0) AS position FROM events",
);

export class Journal {
  readonly #readers: Readers;

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  async readStream(stream: string, range: StreamRange): Promise<StoredEvent[]> {
    const rows = await this.#readers.run(
      range.reverse ? backward : forward,
      stream,
      range.afterPosition ?? 0,
      range.afterSeq ?? 0,
      range.toSeq ?? Number.MAX_SAFE_INTEGER,
      range.limit ?? null,
    );
    return rows.map((row) => storedEvent(stream, row));
  }

  async readEvents(stream: string, seqs: readonly number[]): Promise<StoredEvent[]> {
    if (seqs.length === 0) return [];
    const rows = await this.#readers.run(named, stream, [...seqs]);
    return rows.map((row) => storedEvent(stream, row));
  }

  async streamHead(stream: string): Promise<number> {
    const [row] = await this.#readers.run(streamHead, stream);
    return row?.lastSeq ?? 0;
  }

  async readAll(afterPosition: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.#readers.run(everything, afterPosition, limit);
    return rows.map((row) => storedEvent(row.stream, row));
  }

  async head(): Promise<number> {
    const [row] = await this.#readers.run(newestPosition);
    return row?.position ?? 0;
  }
}

export function storedEvent(stream: string, { position, seq, type, atMs, data }: EventRow): StoredEvent {
  return { position, stream, seq, type, atMs, data: JSON.parse(data) as Json };
}
