import type { Lease } from "../store.ts";
import type { Readers } from "./readers.ts";
import { Statement } from "./statement.ts";

const find = new Statement<[string], Lease>(
  "leases.find",
  `SELECT name, owner, token, expires_at_ms AS "expiresAtMs" FROM leases WHERE name = $1 AND owner IS NOT NULL`,
);

export class Leases {
  readonly #readers: Readers;

  constructor(readers: Readers) {
    this.#readers = readers;
  }

  async get(name: string): Promise<Lease | undefined> {
    const [lease] = await this.#readers.run(find, name);
    return lease;
  }
}
