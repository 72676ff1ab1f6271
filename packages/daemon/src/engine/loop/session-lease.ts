import type { Clock } from "../../kernel/clock.ts";
import type { AcquireLeaseOp, CommitResult, Fence, Op, QueueItem, Store } from "../../kernel/store.ts";

/** A daemon that is paused longer than this loses its sessions to others. */
export const LEASE_MS = 30_000;

export function takeLease(sessionId: string, owner: string, nowMs: number): AcquireLeaseOp {
  return { op: "acquire-lease", name: `session/${sessionId}`, owner, nowMs, leaseMs: LEASE_MS };
}

/**
 * The lease under which one claim of a session is worked on. It is taken with the first write, as long as the claim
 * is held, and given up together with the claim in the last one, where that is known to be the last: most runs need no
 * commit for either.
 */
export class SessionLease {
  readonly #claim: QueueItem;
  readonly #owner: string;
  readonly #clock: Clock;
  #fence: Fence | undefined;
  #mayLeave = true;
  #hasLeft = false;
  #isInDoubt = false;

  constructor(claim: QueueItem, owner: string, clock: Clock) {
    this.#claim = claim;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Claim and lease are given up: nothing is left to close. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Writes under the fence, or takes the lease with this very write. Of a refusal, an `op` below 0 is the lease's. */
  async commit(store: Store, ops: readonly Op[]): Promise<CommitResult> {
    if (this.#fence !== undefined) return store.commit(ops, { fence: this.#fence });
    const { queue, key, token } = this.#claim;
    const take: Op[] = [
      // An owner that was overtaken by itself must not take the session back.
      { op: "check-claim", queue, key, token },
      takeLease(key, this.#owner, this.#clock.now()),
    ];
    this.#isInDoubt = true;
    const result = await store.commit([...take, ...ops]);
    this.#isInDoubt = false;
    if (!result.ok) return { ...result, op: result.op - take.length };
    const lease = result.leases[1];
    if (lease !== undefined) this.#fence = { name: lease.name, token: lease.token };
    return result;
  }

  /** Whether the lease may have been taken by a write whose answer never came: nobody can give up what has no token. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** What gives up the lease and the claim; nothing where the lease is only being taken. */
  leave(): Op[] {
    const { queue, key, token } = this.#claim;
    return this.#fence === undefined || !this.#mayLeave
      ? []
      : [...this.release(), { op: "complete", queue, key, token }];
  }

  /** After a write with `leave` has landed. */
  left(): void {
    this.#hasLeft = true;
  }

  /** The claim is lost, so nothing that gives it up can land. */
  stay(): void {
    this.#mayLeave = false;
  }

  /** What gives up the lease alone. */
  release(): Op[] {
    return this.#fence === undefined ? [] : [{ op: "release-lease", ...this.#fence }];
  }
}
