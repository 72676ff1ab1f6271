import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** A `LIMIT` that is bound. As a bare parameter SQLite would make its plan anew each time that one is bound. */
export function limit(parameter = "?"): string {
  return `LIMIT ${parameter} + 0`;
}

type Row = Record<string, SQLOutputValue>;

/**
 * A statement, prepared once. What it binds and selects is declared where its SQL stands,
 * and this is the only place that takes that declaration for granted.
 */
export class Query<Params extends SQLInputValue[] = [], Selected extends Row = never> {
  readonly #statement: StatementSync;

  constructor(db: DatabaseSync, sql: string) {
    this.#statement = db.prepare(sql);
  }

  get(...params: Params): Selected | undefined {
    return this.#statement.get(...params) as Selected | undefined;
  }

  all(...params: Params): Selected[] {
    return this.#statement.all(...params) as Selected[];
  }

  /** The rowid of the inserted row. */
  insert(...params: Params): number {
    return Number(this.#statement.run(...params).lastInsertRowid);
  }

  /** How many rows were changed. */
  run(...params: Params): number {
    return Number(this.#statement.run(...params).changes);
  }
}
