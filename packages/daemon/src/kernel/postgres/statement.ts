import type { QueryConfig, QueryResult } from "pg";
import { queryFailure } from "./errors.ts";
import { toText } from "./text.ts";

type Scalar = string | number | null;
/** An array is one parameter: a column that `unnest` makes rows of. */
export type Param = Scalar | readonly Scalar[];

/** Whatever runs a query: a connection, or a pool that picks one. */
export interface Session {
  query(query: QueryConfig): Promise<QueryResult>;
}

/**
 * A statement, prepared once per connection. What it binds and selects is declared where its SQL stands,
 * and this is the only place that takes that declaration for granted.
 */
export class Statement<Params extends Param[] = [], Row = never> {
  readonly #name: string;
  readonly #text: string;

  /** The name is what the server knows it by, so it must be unique among all statements. */
  constructor(name: string, text: string) {
    this.#name = name;
    this.#text = text;
  }

  /** Sends the statement before it returns: calls that are not awaited one by one make a pipeline. */
  async run(session: Session, ...params: Params): Promise<Row[]> {
    try {
      const query = { name: this.#name, text: this.#text, values: params.map(toValue) };
      return (await session.query(query)).rows as Row[];
    } catch (error) {
      throw queryFailure(error);
    }
  }
}

/** A statement over any number of rows, whose fields it takes as one array a column. */
export class BulkStatement<Row> {
  readonly #statement: Statement<Scalar[][]>;
  readonly #fieldsOf: (row: Row) => Scalar[];

  constructor(name: string, text: string, fieldsOf: (row: Row) => Scalar[]) {
    this.#statement = new Statement(name, text);
    this.#fieldsOf = fieldsOf;
  }

  /** Sends nothing when there are no rows. */
  async run(session: Session, rows: readonly Row[]): Promise<void> {
    const fields = rows.map(this.#fieldsOf);
    const columns = fields[0]?.map((_, column) => fields.map((row) => row[column] ?? null));
    if (columns !== undefined) await this.#statement.run(session, ...columns);
  }
}

function toValue(param: Param): unknown {
  if (typeof param === "string") return toText(param);
  if (param === null || typeof param === "number") return param;
  return param.map((value) => (typeof value === "string" ? toText(value) : value));
}
