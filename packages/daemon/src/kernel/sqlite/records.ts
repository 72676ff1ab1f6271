import type { DatabaseSync } from "node:sqlite";
import type { Json } from "@kheish/contract";
import { decodeCursor, encodeCursor, encodeKey, prefixEnd } from "../keys.ts";
import type { IndexKeys, KeyParts, ListedRecord, ListQuery, StoredRecord } from "../store.ts";
import { added, type Sums } from "../sums.ts";
import { Counts } from "./counts.ts";
import { limit, Query } from "./query.ts";

type RecordRow = { id: string; revision: number; data: string };
type ListedRow = RecordRow & { key: string };
type Keys = Record<string, string>;

/** Prefix of an index: kind, index name, first key, and what is above the last one. */
type Span = [kind: string, index: string, from: string, below: string];

const LISTED = `
  SELECT i.key, r.id, r.revision, r.data
  FROM record_index i CROSS JOIN records r ON r.kind = i.kind AND r.id = i.id
  WHERE i.kind = ?1 AND i.name = ?2`;

/**
 * Pages seek by the whole cursor `(key, id)`. The unary plus keeps the other bound of the prefix out of the seek:
 * a thousand records under one key must not be walked again for every page.
 */
const PAGES = {
  first: `${LISTED} AND i.key >= ?3 AND i.key < ?4 ORDER BY i.key, i.id ${limit("?5")}`,
  next: `${LISTED} AND +i.key >= ?3 AND i.key < ?4 AND (i.key, i.id) > (?5, ?6) ORDER BY i.key, i.id ${limit("?7")}`,
  last: `${LISTED} AND i.key >= ?3 AND i.key < ?4 ORDER BY i.key DESC, i.id DESC ${limit("?5")}`,
  previous: `${LISTED} AND i.key >= ?3 AND +i.key < ?4 AND (i.key, i.id) < (?5, ?6)
    ORDER BY i.key DESC, i.id DESC ${limit("?7")}`,
};

/** Records and their index rows; a record's row repeats its keys, so that a write touches only what changed. */
export class Records {
  readonly #counts = new Counts();
  readonly #find;
  readonly #current;
  readonly #insert;
  readonly #update;
  readonly #delete;
  readonly #addKey;
  readonly #removeKey;
  readonly #count;
  readonly #first;
  readonly #next;
  readonly #last;
  readonly #previous;

  constructor(db: DatabaseSync) {
    this.#find = new Query<[string, string], RecordRow>(
      db,
      "SELECT id, revision, data FROM records WHERE kind = ? AND id = ?",
    );
    this.#current = new Query<[string, string], { revision: number; keys: string }>(
      db,
      "SELECT revision, keys FROM records WHERE kind = ? AND id = ?",
    );
    this.#insert = new Query<[string, string, string, string]>(
      db,
      "INSERT INTO records (kind, id, data, keys, revision) VALUES (?, ?, ?, ?, 1)",
    );
    this.#update = new Query<[string, string, string, string]>(
      db,
      "UPDATE records SET data = ?3, keys = ?4, revision = revision + 1 WHERE kind = ?1 AND id = ?2",
    );
    this.#delete = new Query<[string, string]>(db, "DELETE FROM records WHERE kind = ? AND id = ?");
    this.#addKey = new Query<[string, string, string, string]>(
      db,
      "INSERT INTO record_index (kind, id, name, key) VALUES (?, ?, ?, ?)",
    );
    this.#removeKey = new Query<[string, string, string, string]>(
      db,
      "DELETE FROM record_index WHERE kind = ? AND id = ? AND name = ? AND key = ?",
    );
    this.#count = new Query<Span, { count: number }>(
      db,
      "SELECT count(*) AS count FROM record_index WHERE kind = ? AND name = ? AND key >= ? AND key < ?",
    );
    this.#first = new Query<[...Span, number], ListedRow>(db, PAGES.first);
    this.#next = new Query<[...Span, string, string, number], ListedRow>(db, PAGES.next);
    this.#last = new Query<[...Span, number], ListedRow>(db, PAGES.last);
    this.#previous = new Query<[...Span, string, string, number], ListedRow>(db, PAGES.previous);
  }

  /** The new revision; undefined when the record is not at `expectedRevision`. */
  put(record: EncodedRecord, expectedRevision: number | undefined): number | undefined {
    const { kind, id, json, keys } = record;
    const current = this.#current.get(kind, id);
    const revision = current?.revision ?? 0;
    if (expectedRevision !== undefined && expectedRevision !== revision) return undefined;
    const write = current === undefined ? this.#insert : this.#update;
    write.run(kind, id, json, JSON.stringify(keys));
    this.#reindex(kind, id, keysOf(current), keys);
    return revision + 1;
  }

  /** The new revision; undefined when a number would stand above its limit. */
  add(record: Omit<EncodedRecord, "json">, amounts: Sums, atMost: Sums | undefined): number | undefined {
    const sums = added(this.get(record.kind, record.id)?.data, amounts, atMost);
    return sums && this.put({ ...record, json: JSON.stringify(sums) }, undefined);
  }

  /** False when the record is not at `expectedRevision`. */
  delete(kind: string, id: string, expectedRevision: number | undefined): boolean {
    const current = this.#current.get(kind, id);
    if (expectedRevision !== undefined && expectedRevision !== (current?.revision ?? 0)) return false;
    if (current !== undefined) {
      this.#delete.run(kind, id);
      this.#reindex(kind, id, keysOf(current), {});
    }
    return true;
  }

  /** 0 when there is no such record. */
  revision(kind: string, id: string): number {
    return this.#current.get(kind, id)?.revision ?? 0;
  }

  get<T extends Json>(kind: string, id: string): StoredRecord<T> | undefined {
    const row = this.#find.get(kind, id);
    return row && storedRecord<T>(row);
  }

  list<T extends Json>(kind: string, query: ListQuery): ListedRecord<T>[] {
    const span = spanOf(kind, query.index, query.prefix);
    return this.#page(span, query).map((row) => ({
      ...storedRecord<T>(row),
      cursor: encodeCursor(row.key, row.id),
    }));
  }

  count(kind: string, index: string, prefix: KeyParts | undefined): number {
    const span = spanOf(kind, index, prefix);
    const [, , encoded] = span;
    const known = this.#counts.get(kind, index, encoded);
    if (known !== undefined) return known;
    const count = this.#count.get(...span)?.count ?? 0;
    this.#counts.set(kind, index, encoded, count);
    return count;
  }

  /** To be called whenever something was rolled back. */
  forget(): void {
    this.#counts.forget();
  }

  #page(span: Span, { after, limit, reverse }: ListQuery): ListedRow[] {
    if (after === undefined) return (reverse ? this.#last : this.#first).all(...span, limit);
    const { key, id } = decodeCursor(after);
    return (reverse ? this.#previous : this.#next).all(...span, key, id, limit);
  }

  #reindex(kind: string, id: string, before: Keys, after: Keys): void {
    for (const [name, key] of Object.entries(before)) {
      if (after[name] === key) continue;
      this.#removeKey.run(kind, id, name, key);
      this.#counts.moved(kind, name, key, -1);
    }
    for (const [name, key] of Object.entries(after)) {
      if (before[name] === key) continue;
      this.#addKey.run(kind, id, name, key);
      this.#counts.moved(kind, name, key, 1);
    }
  }
}

/** A record as its rows hold it, made before the transaction so that nothing in it can fail on a value. */
export interface EncodedRecord {
  kind: string;
  id: string;
  json: string;
  keys: Keys;
}

export function encodeRecord(record: {
  kind: string;
  id: string;
  data: Json;
  keys: IndexKeys;
}): EncodedRecord {
  return {
    kind: record.kind,
    id: record.id,
    json: JSON.stringify(record.data),
    keys: encodeKeys(record.keys),
  };
}

export function encodeKeys(keys: IndexKeys): Keys {
  return Object.fromEntries(Object.entries(keys).map(([name, parts]) => [name, encodeKey(parts)]));
}

function spanOf(kind: string, index: string, prefix: KeyParts = []): Span {
  const from = encodeKey(prefix);
  return [kind, index, from, prefixEnd(from)];
}

function keysOf(row: { keys: string } | undefined): Keys {
  return row === undefined ? {} : (JSON.parse(row.keys) as Keys);
}

function storedRecord<T extends Json>(row: RecordRow): StoredRecord<T> {
  return { id: row.id, revision: row.revision, data: JSON.parse(row.data) as T };
}
