import { isTerminal } from "@kheish/contract";
import { sleep, type Timer } from "../kernel/clock.ts";
import { backoff, QueueWorker, type Settled } from "../kernel/queue-worker.ts";
import { type QueueItem, StoreError } from "../kernel/store.ts";
import { endRun } from "./commands/end-run.ts";
import { requireRun, type Starter, transact } from "./commands/transact.ts";
import type { LoopDeps } from "./loop/deps.ts";
import { driveSession } from "./loop/drive.ts";
import { LEASE_MS, SessionLease, takeLease } from "./loop/session-lease.ts";
import { StopSignal } from "./loop/stop.ts";
import { SESSION_QUEUE } from "./session-change.ts";

export interface ExecutorOptions extends LoopDeps {
  /** Names this daemon in leases and claims; stable for one state root. */
  owner: string;
  /** Sessions driven at one time. */
  concurrency: number;
}

const HELD_ELSEWHERE_RETRY_MS = 1_000;
/** More than the longest backoff: nobody leaves a session for longer. */
const LATEST_LOOK_MS = 60_000;
/** A session whose drive throws this often has a run that cannot be driven. */
const MAX_DRIVE_FAILURES = 5;
/** Of the drain deadline, what tools get to end by themselves, and what they get after they were told to. */
const DRAIN_GRACE_SHARE = 0.5;
const DRAIN_KILL_SHARE = 0.3;

/**
 * Drives the sessions that somebody has to look at. Owns nothing that the store does not know:
 * a claim says that this daemon is at work, the session's lease fences its writes, and both end with it.
 */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #worker: QueueWorker;
  /** Run id -> how to stop it. */
  readonly #active = new Map<string, StopSignal>();
  /** Claims of work that this daemon made itself, by their tokens: what it knows of the session is what it wrote. */
  readonly #started = new Set<number>();
  /** Session id -> the claim under which it is driven. */
  readonly #driving = new Map<string, number>();
  /** Sessions whose lease this daemon may hold without knowing it. */
  readonly #inDoubt = new Set<string>();
  /** Work that is made here begins here. */
  readonly starter: Starter;
  #renewal: Timer | undefined;
  #draining = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#worker = new QueueWorker({
      store: options.store,
      clock: options.clock,
      queue: SESSION_QUEUE,
      owner: options.owner,
      leaseMs: LEASE_MS,
      concurrency: options.concurrency,
      horizonMs: LATEST_LOOK_MS,
      handle: (item) => this.#drive(item),
      onError: (item, error) =>
        options.log.error({ session_id: item?.key, err: describe(error) }, "driving a session failed"),
    });
    this.starter = {
      offer: (sessionId) => this.#worker.offer(sessionId),
      take: (claimed) => {
        for (const { token } of claimed ?? []) this.#started.add(token);
        this.#worker.take(claimed);
      },
    };
  }

  start(): void {
    this.#renewLeases();
    this.#worker.start();
  }

  /** The run is over for everybody; whatever this daemon has in flight for it is thrown away. */
  abortRun(runId: string): void {
    this.#active.get(runId)?.end();
  }

  /**
   * Stops within `deadlineMs`: nothing new begins, model calls are cut, tools get a moment, then are told to stop,
   * then are left behind. Runs stay as their journals have them; the next daemon takes them over.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const stopped = this.#worker.stop();
    for (const stop of this.#active.values()) stop.drain();
    const { clock } = this.#options;
    await Promise.race([stopped, sleep(clock, deadlineMs * DRAIN_GRACE_SHARE)]);
    for (const stop of this.#active.values()) stop.kill();
    await Promise.race([stopped, sleep(clock, deadlineMs * DRAIN_KILL_SHARE)]);
    for (const stop of this.#active.values()) stop.abandon();
    await Promise.race([stopped, sleep(clock, deadlineMs * (1 - DRAIN_GRACE_SHARE - DRAIN_KILL_SHARE))]);
    this.#renewal?.cancel();
  }

  async #drive(item: QueueItem): Promise<Settled> {
    const { store, clock, owner } = this.#options;
    const sessionId = item.key;
    const isStartedHere = this.#started.delete(item.token);
    const lease = new SessionLease(item, owner, clock);
    const driven = new Map<string, StopSignal>();
    // Overtaken by itself, after a pause: the driver from before must write nothing any more.
    const overtakes = this.#driving.has(sessionId);
    this.#driving.set(sessionId, item.token);
    try {
      if (overtakes && !(await lease.commit(store, [])).ok) return retryHeldElsewhere(clock.now());
      // Work that was not made here was made by somebody who has written to the session.
      if (!isStartedHere) await this.#forget(sessionId);
      const end = await driveSession(this.#options, sessionId, {
        lease,
        attempts: item.attempts,
        stopFor: (runId) => this.#begin(runId, driven),
      });
      if (lease.hasLeft) return { kind: "closed" };
      if (end === "rest") return { kind: "done", ops: lease.release() };
      if (end === "lost") return retryHeldElsewhere(clock.now());
      return { kind: "retry", dueAtMs: clock.now(), resetAttempts: true, ops: lease.release() };
    } catch (error) {
      this.#options.log.error(
        { session_id: sessionId, attempts: item.attempts, err: describe(error) },
        "drive failed",
      );
      // A store that cannot work says nothing about the run; the run waits for the store. Damage does not pass.
      const storeFailed = error instanceof StoreError && error.code !== "corrupt";
      const givenUp = !storeFailed && item.attempts >= MAX_DRIVE_FAILURES;
      if (givenUp) await this.#quarantine(sessionId, error);
      const dueAtMs = clock.now() + backoff(item.attempts);
      // What failed is not held against the session's next run.
      const resetAttempts = storeFailed || givenUp;
      return { kind: "retry", dueAtMs, error: describe(error), resetAttempts, ops: lease.release() };
    } finally {
      if (lease.isInDoubt) this.#inDoubt.add(sessionId);
      if (this.#driving.get(sessionId) === item.token) this.#driving.delete(sessionId);
      this.#end(driven);
    }
  }

  /** After a pause a write from before it may be answered only now, and would bring back what is known since then. */
  async #forget(sessionId: string): Promise<void> {
    const { mutex, known } = this.#options;
    await mutex.run(sessionId, async () => known.forget(sessionId));
  }

  #begin(runId: string, driven: Map<string, StopSignal>): StopSignal {
    this.#end(driven);
    const stop = new StopSignal();
    driven.set(runId, stop);
    this.#active.set(runId, stop);
    if (this.#draining) stop.drain();
    return stop;
  }

  /** A later claim of the same run has a signal of its own, which stays. */
  #end(driven: Map<string, StopSignal>): void {
    for (const [runId, stop] of driven) {
      if (this.#active.get(runId) === stop) this.#active.delete(runId);
    }
    driven.clear();
  }

  /** Gives up on a run that cannot be driven, visibly: it fails, and the session goes on (effect ledger, bounded attempts). */
  async #quarantine(sessionId: string, cause: unknown): Promise<void> {
    const deps = this.#options;
    await transact(deps, sessionId, async (change, session) => {
      const runId = session.data.active_run_id;
      if (runId === undefined) return;
      const run = await requireRun(deps.store, runId);
      if (isTerminal(run.data.status)) return;
      await endRun(
        deps,
        change,
        session,
        run,
        "failed",
        // The words of an error that nobody expected are for the log, not for clients.
        `quarantined: the run could not be driven (${cause instanceof Error ? cause.name : "unknown error"})`,
      );
    });
  }

  /** Taken again, a lease has a token to be given up with. */
  async #settleDoubts(): Promise<void> {
    const { store, clock, owner } = this.#options;
    for (const sessionId of this.#inDoubt) {
      if (this.#driving.has(sessionId)) continue;
      const taken = await store.commit([takeLease(sessionId, owner, clock.now())]);
      const lease = taken.ok ? taken.leases[0] : undefined;
      if (lease !== undefined) {
        await store.commit([{ op: "release-lease", name: lease.name, token: lease.token }]);
      }
      this.#inDoubt.delete(sessionId);
    }
  }

  /** One commit for everything this daemon holds, three times per lease. */
  #renewLeases(): void {
    const { store, clock, owner, log } = this.#options;
    this.#renewal = clock.schedule(LEASE_MS / 3, () => {
      void store
        .commit([{ op: "renew-owner", owner, nowMs: clock.now(), leaseMs: LEASE_MS }])
        .then(() => this.#settleDoubts())
        .catch((error: unknown) => log.warn({ err: describe(error) }, "renewing leases failed"))
        .finally(() => {
          if (!this.#draining) this.#renewLeases();
        });
    });
  }
}

function retryHeldElsewhere(nowMs: number): Settled {
  return { kind: "retry", dueAtMs: nowMs + HELD_ELSEWHERE_RETRY_MS, resetAttempts: true };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
