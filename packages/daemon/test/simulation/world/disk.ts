import type { Store } from "../../../src/kernel/store.ts";

/**
 * Where a store's bytes are when every process that had it open is gone.
 * A commit that was acknowledged is there; what happened to one that was under way is the disk's affair.
 */
export interface Disk {
  /** What the last crash left, opened anew: caches and everything else that was only in memory are gone. */
  open(): Promise<Store>;
  /** Performs a write during which the power fails. Whether it landed is known only after `open`. */
  cutDuring(write: () => Promise<unknown>, seed: number): Promise<void>;
  /** The last process is dead. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}
