import type { Pool } from "pg";
import { isFailure } from "./errors.ts";
import type { Param, Statement } from "./statement.ts";

/**
 * The connections outside the write path. What runs here may run twice: a connection that ended while it lay idle
 * is only noticed by using it, so a statement is repeated until none of those from before can be left.
 */
export class Readers {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async run<Params extends Param[], Row>(
    statement: Statement<Params, Row>,
    ...params: Params
  ): Promise<Row[]> {
    for (let spare = this.#pool.options.max; ; spare -= 1) {
      try {
        return await statement.run(this.#pool, ...params);
      } catch (error) {
        if (spare === 0 || !isFailure(error, "lost")) throw error;
      }
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
