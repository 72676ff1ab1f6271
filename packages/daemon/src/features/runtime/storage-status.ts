import type { Clock } from "../../kernel/clock.ts";
import type { StorageProbe } from "../../kernel/storage-probe.ts";

export interface ProbedStorage {
  checkedAtMs: number;
  probes: StorageProbe[];
}

/** A probe costs a sync of the disk, and status is asked for all the time. */
const FRESH_MS = 5_000;

/** The newest answer of the storage probes; however many ask, one probe runs at a time. */
export class StorageStatus {
  readonly #clock: Clock;
  readonly #probe: () => Promise<StorageProbe[]>;
  #last: ProbedStorage | undefined;
  #running: Promise<ProbedStorage> | undefined;

  constructor(clock: Clock, probe: () => Promise<StorageProbe[]>) {
    this.#clock = clock;
    this.#probe = probe;
  }

  now(): Promise<ProbedStorage> {
    const last = this.#last;
    if (last !== undefined && this.#clock.now() - last.checkedAtMs < FRESH_MS) return Promise.resolve(last);
    this.#running ??= this.#check().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #check(): Promise<ProbedStorage> {
    const checkedAtMs = this.#clock.now();
    this.#last = { checkedAtMs, probes: await this.#probe() };
    return this.#last;
  }
}
