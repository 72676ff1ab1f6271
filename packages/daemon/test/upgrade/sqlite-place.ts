import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../src/kernel/clock.ts";
import { openSqliteStore } from "../../src/kernel/sqlite/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { dumpText, insertion, type Place, type Row } from "./place.ts";

/** A store file in a state root of its own. */
export class SqlitePlace implements Place {
  readonly engine = "sqlite";
  readonly storeFlag = "sqlite";
  readonly stateRoot: string;
  readonly path: string;

  constructor(stateRoot: string) {
    this.stateRoot = stateRoot;
    this.path = join(stateRoot, "kheish.db");
  }

  async load(dump: string): Promise<void> {
    this.#use((db) => db.exec(`PRAGMA journal_mode = WAL; BEGIN; ${dump} COMMIT`));
  }

  open(clock?: Clock): Promise<Store> {
    return openSqliteStore({ path: this.path, ...(clock === undefined ? {} : { clock }) });
  }

  async sql(statement: string): Promise<Row[]> {
    return this.#use((db) => rows(db, statement));
  }

  /** Puts back the files as they were before the closing connection tidied its log away. */
  async sqlBeforeKill(statement: string): Promise<void> {
    const db = new DatabaseSync(this.path);
    db.exec(statement);
    const paths = ["", "-wal"].map((suffix) => `${this.path}${suffix}`);
    const left = await Promise.all(paths.map(async (path) => [path, await readFile(path)] as const));
    db.close();
    for (const [path, content] of left) await writeFile(path, content);
  }

  async schema(): Promise<string[]> {
    return this.#use(definitions);
  }

  async dump(): Promise<string> {
    return this.#use((db) => {
      const tables = rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid");
      // A scan meets rows in the order of their ids, which the next file gives anew: no row passes another.
      const contents = tables.flatMap(({ name }) =>
        rows(db, `SELECT * FROM ${name} NOT INDEXED`).map((row) => insertion(`${name}`, row)),
      );
      return dumpText([...definitions(db), ...contents]);
    });
  }

  /** Bytes of every file that holds data: `-shm` is scratch space, and looking leaves an empty log. */
  async fingerprint(): Promise<Record<string, string>> {
    const names = (await readdir(this.stateRoot)).filter((name) => /^kheish\.db(-wal|-journal)?$/.test(name));
    const contents = await Promise.all(
      names.map(async (name) => [name, await readFile(join(this.stateRoot, name))] as const),
    );
    const filled = contents.filter(([, content]) => content.length > 0);
    return Object.fromEntries(filled.map(([name, content]) => [name, digest(content)]));
  }

  #use<T>(work: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.path);
    try {
      return work(db);
    } finally {
      db.close();
    }
  }
}

/** SQLite keeps the text that made each part; its own tables make themselves. */
function definitions(db: DatabaseSync): string[] {
  const made =
    "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY rowid";
  return rows(db, made).map(({ sql }) => String(sql));
}

function rows(db: DatabaseSync, statement: string): Row[] {
  return db.prepare(statement).all() as Row[];
}

function digest(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
