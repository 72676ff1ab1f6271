import type { Json } from "@kheish/contract";
import { added } from "../sums.ts";
import { Draft, pairKey } from "./draft.ts";
import type { EncodedAdd, EncodedKeys, EncodedPut } from "./encode.ts";
import { BulkStatement, type Session, Statement } from "./statement.ts";

interface RecordName {
  readonly kind: string;
  readonly id: string;
}
/** `json` is null in a record as it was loaded, unless something is added to it: else its revision and keys decide. */
interface RecordRow extends RecordName {
  readonly revision: number;
  readonly keys: EncodedKeys;
  readonly json: string | null;
}
interface IndexRow extends RecordName {
  readonly name: string;
  readonly key: string;
}

const lock = new Statement<
  [string[], string[], number[]],
  RecordName & { revision: number; keys: string; data: string | null }
>(
  "records.lock",
  `SELECT r.kind, r.id, r.revision, r.keys, CASE WHEN w.whole = 1 THEN r.data END AS data
   FROM unnest($1::text[], $2::text[], $3::int[]) AS w (kind, id, whole) JOIN records r ON r.kind = w.kind AND r.id = w.id
   ORDER BY r.kind, r.id FOR UPDATE OF r`,
);
const COLUMNS = `
  unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[]) AS w (kind, id, revision, data, keys)`;
const fieldsOf = ({ kind, id, revision, json, keys }: RecordRow) => {
  return [kind, id, revision, json, JSON.stringify(keys)];
};
const add = new BulkStatement(
  "records.add",
  `INSERT INTO records (kind, id, revision, data, keys)
   SELECT * FROM ${COLUMNS} ORDER BY w.kind COLLATE "C", w.id COLLATE "C"`,
  fieldsOf,
);
const update = new BulkStatement(
  "records.update",
  `UPDATE records SET revision = w.revision, data = w.data, keys = w.keys
   FROM ${COLUMNS} WHERE records.kind = w.kind AND records.id = w.id`,
  fieldsOf,
);
const remove = new BulkStatement<RecordName>(
  "records.remove",
  `DELETE FROM records USING unnest($1::text[], $2::text[]) AS w (kind, id)
   WHERE records.kind = w.kind AND records.id = w.id`,
  ({ kind, id }) => [kind, id],
);
const INDEX_COLUMNS = "unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS w (kind, name, key, id)";
const indexFieldsOf = ({ kind, name, key, id }: IndexRow) => [kind, name, key, id];
const addKeys = new BulkStatement(
  "records.add-keys",
  `INSERT INTO record_index (kind, name, key, id) SELECT * FROM ${INDEX_COLUMNS}`,
  indexFieldsOf,
);
const removeKeys = new BulkStatement(
  "records.remove-keys",
  `DELETE FROM record_index i USING ${INDEX_COLUMNS}
   WHERE i.kind = w.kind AND i.name = w.name AND i.key = w.key AND i.id = w.id`,
  indexFieldsOf,
);

/** The records of a flush, and the index rows that follow from what becomes of them. */
export class RecordsDraft {
  readonly #wanted = new Map<string, RecordName>();
  readonly #withData = new Set<string>();
  readonly #records = new Draft<RecordRow>();

  want({ kind, id }: RecordName): void {
    this.#wanted.set(pairKey(kind, id), { kind, id });
  }

  wantData(name: RecordName): void {
    this.want(name);
    this.#withData.add(pairKey(name.kind, name.id));
  }

  get isWanting(): boolean {
    return this.#wanted.size > 0;
  }

  async load(session: Session): Promise<void> {
    if (!this.isWanting) return;
    const names = [...this.#wanted.values()];
    const found = await lock.run(
      session,
      names.map(({ kind }) => kind),
      names.map(({ id }) => id),
      names.map(({ kind, id }) => (this.#withData.has(pairKey(kind, id)) ? 1 : 0)),
    );
    for (const { kind, id, revision, keys, data } of found) {
      const row = { kind, id, revision, keys: JSON.parse(keys) as EncodedKeys, json: data };
      this.#records.load(pairKey(kind, id), row);
    }
  }

  /** 0 when there is no such record. */
  revision({ kind, id }: RecordName): number {
    return this.#records.get(pairKey(kind, id))?.revision ?? 0;
  }

  /** The new revision; undefined when the record is not at `expectedRevision`. */
  put({ kind, id, json, keys, expectedRevision }: EncodedPut): number | undefined {
    const revision = this.revision({ kind, id });
    if (expectedRevision !== undefined && expectedRevision !== revision) return undefined;
    this.#records.put(pairKey(kind, id), { kind, id, revision: revision + 1, json, keys });
    return revision + 1;
  }

  /** The new revision; undefined when a number would stand above its limit. */
  add({ kind, id, keys, amounts, atMost }: EncodedAdd): number | undefined {
    const json = this.#records.get(pairKey(kind, id))?.json ?? "{}";
    const sums = added(JSON.parse(json) as Json, amounts, atMost);
    return sums && this.put({ op: "put", kind, id, json: JSON.stringify(sums), keys });
  }

  /** False when the record is not at `expectedRevision`. */
  delete(name: RecordName, expectedRevision: number | undefined): boolean {
    if (expectedRevision !== undefined && expectedRevision !== this.revision(name)) return false;
    this.#records.remove(pairKey(name.kind, name.id));
    return true;
  }

  accept(): void {
    this.#records.accept();
  }

  revert(): void {
    this.#records.revert();
  }

  async write(session: Session): Promise<void> {
    const { added, updated, removed } = this.#records.changes();
    const absent = this.#absent();
    const changes = [
      ...added.map((now) => ({ before: undefined, now })),
      ...updated,
      ...removed.map((before) => ({ before, now: undefined })),
    ];
    await Promise.all([
      add.run(session, [...added, ...absent]),
      update.run(
        session,
        updated.map(({ now }) => now),
      ),
      remove.run(session, [...removed, ...absent]),
      removeKeys.run(
        session,
        changes.flatMap(({ before, now }) => indexRows(before, now)),
      ),
      addKeys.run(
        session,
        changes.flatMap(({ before, now }) => indexRows(now, before)),
      ),
    ]);
  }

  /**
   * A record that is not there cannot be locked. What this flush has found absent, and leaves so, is added and
   * removed again: of two commits that rely on it, one of them to add it, one has to look again.
   */
  #absent(): RecordRow[] {
    return [...this.#wanted]
      .filter(([key]) => !this.#records.isKnown(key))
      .map(([, name]) => ({ ...name, revision: 0, keys: {}, json: "" }));
  }
}

/** The index rows of a record, but for those that `other` has too. */
function indexRows(record: RecordRow | undefined, other: RecordRow | undefined): IndexRow[] {
  if (record === undefined) return [];
  const { kind, id, keys } = record;
  return Object.entries(keys)
    .filter(([name, key]) => other?.keys[name] !== key)
    .map(([name, key]) => ({ kind, name, key, id }));
}
