import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../../src/kernel/sqlite/schema.ts";
import { SqliteStore } from "../../../src/kernel/sqlite/store.ts";
import type { Store } from "../../../src/kernel/store.ts";
import type { Disk } from "./disk.ts";
import { Prng } from "./prng.ts";

const NOWHERE = ":memory:";

/** The SQLite engine without its file: a transaction is whole or not there, which is all that a crash can leave. */
export class MemoryDisk implements Disk {
  readonly #db = new DatabaseSync(NOWHERE);
  readonly #schemaVersion = migrate(this.#db, NOWHERE, 0);

  async open(): Promise<Store> {
    return new SqliteStore(this.#db, NOWHERE, this.#schemaVersion);
  }

  async cutDuring(write: () => Promise<unknown>, seed: number): Promise<void> {
    if (new Prng(seed).chance(0.5)) await write();
  }

  async crash(): Promise<void> {}

  async remove(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }
}
