import type { Json } from "@kheish/contract";
import { decodeCursor, encodeCursor, encodeKey, prefixEnd } from "../keys.ts";
import type { KeyParts, ListedRecord, ListQuery, StoredRecord } from "../store.ts";
import type { Readers } from "./readers.ts";
import { Statement } from "./statement.ts";

type RecordRow = { id: string; revision: number; data: string };
type ListedRow = RecordRow & { key: string };

/** Prefix of an index: kind, index name, first key, and what is above the last one. */
type Span = [kind: string, index: string, from: string, below: string];

const find = new Statement<[string, string[]], RecordRow>(
  "records.find",
  "SELECT id, revision, data FROM records WHERE kind = $1 AND id = ANY ($2::text[])",
);
const count = new Statement<Span, { count: number }>(
  "records.count",
  "SELECT count(*) FROM record_index WHERE kind = $1 AND name = $2 AND key >= $3 AND key < $4",
);

const LISTED = `
  SELECT i.key, r.id, r.revision, r.data
  FROM record_index i JOIN records r ON r.kind = i.kind AND r.id = i.id
  WHERE i.kind = $1 AND i.name = $2`;
const UP = "ORDER BY i.key, i.id";
const DOWN = "ORDER BY i.key DESC, i.id DESC";

/**
 * Pages seek by the whole cursor `(key, id)`. The empty string that is added to a key keeps the other bound of the
 * prefix out of the seek: a thousand records under one key must not be walked again for every page.
 */
const first = new Statement<[...Span, number], ListedRow>(
  "records.first-page",
  `${LISTED} AND i.key >= $3 AND i.key < $4 ${UP} LIMIT $5`,
);
const next = new Statement<[...Span, number, string, string], ListedRow>(
  "records.next-page",
  `${LISTED} AND i.key || '' >= $3 AND i.key < $4 AND (i.key, i.id) > ($6, $7) ${UP} LIMIT $5`,
);
const last = new Statement<[...Span, number], ListedRow>(
  "records.last-page",
  `${LISTED} AND i.key >= $3 AND i.key < $4 ${DOWN} LIMIT $5`,
);
const previous = new Statement<[...Span, number, string, string], ListedRow>(
  "records.previous-page",
  `${LISTED} AND i.key >= $3 AND i.key || '' < $4 AND (i.key, i.id) < ($6, $7) ${DOWN} LIMIT $5`,
);

export class Records {
  readonly #readers: Readers;

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  async find<T extends Json>(kind: string, ids: readonly string[]): Promise<StoredRecord<T>[]> {
    if (ids.length === 0) return [];
    return (await this.#readers.run(find, kind, [...ids])).map((row) => storedRecord<T>(row));
  }

  async list<T extends Json>(kind: string, query: ListQuery): Promise<ListedRecord<T>[]> {
    const rows = await this.#page(spanOf(kind, query.index, query.prefix), query);
    return rows.map((row) => ({ ...storedRecord<T>(row), cursor: encodeCursor(row.key, row.id) }));
  }

  async count(kind: string, index: string, prefix: KeyParts | undefined): Promise<number> {
    const [row] = await this.#readers.run(count, ...spanOf(kind, index, prefix));
    return row?.count ?? 0;
  }

  #page(span: Span, { after, limit, reverse }: ListQuery): Promise<ListedRow[]> {
    if (after === undefined) return this.#readers.run(reverse ? last : first, ...span, limit);
    const { key, id } = decodeCursor(after);
    return this.#readers.run(reverse ? previous : next, ...span, limit, key, id);
  }
}

function spanOf(kind: string, index: string, prefix: KeyParts = []): Span {
  const from = encodeKey(prefix);
  return [kind, index, from, prefixEnd(from)];
}

function storedRecord<T extends Json>({ id, revision, data }: RecordRow): StoredRecord<T> {
  return { id, revision, data: JSON.parse(data) as T };
}
