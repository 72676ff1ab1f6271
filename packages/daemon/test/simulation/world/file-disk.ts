import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedClock } from "../../../src/kernel/clock.ts";
import { openSqliteStore } from "../../../src/kernel/sqlite/index.ts";
import type { Store } from "../../../src/kernel/store.ts";
import type { Disk } from "./disk.ts";
import { hash } from "./prng.ts";

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;
/** Scratch space in memory where the machine has it: what a sync costs there is not what is tested here. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const FILES = ["store.db", "store.db-wal"] as const;

type Image = Record<(typeof FILES)[number], Buffer>;

/**
 * The SQLite engine on a real file. When the power fails during a write, any of the sectors that it wrote since the
 * last sync may have landed and the others not, in no order; what was synced stays.
 */
export class FileDisk implements Disk {
  #directory = mkdtempSync(join(SCRATCH, "kheish-simulation-"));
  #store: Store | undefined;
  #torn: Image | undefined;

  async open(): Promise<Store> {
    const clock = new SimulatedClock(0);
    this.#store = await openSqliteStore({ path: join(this.#directory, "store.db"), clock });
    return this.#store;
  }

  async cutDuring(write: () => Promise<unknown>, seed: number): Promise<void> {
    const before = this.#read();
    await write();
    const after = this.#read();
    // The log is synced before a checkpoint copies it into the database.
    const checkpointed = !before["store.db"].equals(after["store.db"]);
    this.#torn = checkpointed
      ? { ...after, "store.db": torn(before["store.db"], after["store.db"], seed) }
      : { ...after, "store.db-wal": torn(before["store.db-wal"], after["store.db-wal"], seed) };
  }

  /** The files are taken as they are: a connection that closes in order would tidy them up first. */
  async crash(): Promise<void> {
    const image = this.#torn ?? this.#read();
    this.#torn = undefined;
    await this.#store?.close();
    rmSync(this.#directory, { recursive: true });
    this.#directory = mkdtempSync(join(SCRATCH, "kheish-simulation-"));
    for (const name of FILES) writeFileSync(join(this.#directory, name), image[name]);
  }

  async remove(): Promise<void> {
    await this.#store?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #read(): Image {
    const bytes = (name: string) => {
      const path = join(this.#directory, name);
      return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    };
    return { "store.db": bytes("store.db"), "store.db-wal": bytes("store.db-wal") };
  }
}

/** Which of a write's sectors landed: all, none, those up to a point, or any. */
function landing(seed: number, sectors: number): (index: number) => boolean {
  const cut = hash(seed, "cut") % (sectors + 1);
  switch (hash(seed, "how") % 4) {
    case 0:
      return () => true;
    case 1:
      return () => false;
    case 2:
      return (index) => index < cut;
    default:
      return (index) => hash(seed, String(index)) % 2 === 0;
  }
}

/** Each sector as it was or as it was to be; the file ends where the last one that landed does. */
function torn(before: Buffer, after: Buffer, seed: number): Buffer {
  const sectors = Math.ceil(after.length / SECTOR_BYTES);
  const landed = landing(seed, sectors);
  let end = before.length;
  for (let index = 0; index < sectors; index++) {
    if (landed(index)) end = Math.max(end, Math.min(after.length, (index + 1) * SECTOR_BYTES));
  }
  const file = Buffer.alloc(end);
  before.copy(file);
  for (let index = 0; index < sectors; index++) {
    const start = index * SECTOR_BYTES;
    if (landed(index) && start < end) after.copy(file, start, start, Math.min(end, start + SECTOR_BYTES));
  }
  return file;
}
