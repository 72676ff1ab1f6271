import type { Clock } from "../../src/kernel/clock.ts";
import type { Store } from "../../src/kernel/store.ts";

export type Engine = "sqlite" | "postgres";
export type Row = Record<string, string | number | null>;

/** Where one store lives, seen past the store as well as through it. */
export interface Place {
  readonly engine: Engine;
  /** The state root of a daemon that serves this store. */
  readonly stateRoot: string;
  /** What such a daemon's `--store` is. */
  readonly storeFlag: string;
  /** Makes the empty place the store that a dump describes. */
  load(dump: string): Promise<void>;
  /** Opens it as the daemon does; whoever opens it closes it. */
  open(clock?: Clock): Promise<Store>;
  sql(statement: string): Promise<Row[]>;
  /** As a process does it that is killed thereafter: what was done stands where a commit first puts it. */
  sqlBeforeKill(statement: string): Promise<void>;
  /** The definitions of all that is in it, as the engine itself tells them. */
  schema(): Promise<string[]>;
  /** Statements that make the same schema and rows again: text for people, one row a line. */
  dump(): Promise<string>;
  /** Equal to an earlier one when nobody has touched the store since. */
  fingerprint(): Promise<unknown>;
}

/** A dump's text: definitions first, so that the rows have where to go. */
export function dumpText(statements: readonly string[]): string {
  return statements.map((statement) => `${statement};\n`).join("");
}

export function insertion(table: string, row: Row, overriding = ""): string {
  return `INSERT INTO ${table}${overriding} VALUES (${Object.values(row).map(literal).join(", ")})`;
}

function literal(value: string | number | null): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
