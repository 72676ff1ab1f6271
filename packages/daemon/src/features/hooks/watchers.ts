import { HookInput } from "@kheish/contract";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { QueueWorker } from "../../kernel/queue-worker.ts";
import type { Store } from "../../kernel/store.ts";
import { HOOK_QUEUE, type HookRunner } from "./runner.ts";

const LEASE_MS = 60_000;
const CONCURRENCY = 64;
/** More than the longest backoff: what is due later was written under a clock that was wrong. */
const LATEST_CALL_MS = 60_000;
/** Claims of one call by daemons that did not live to settle it. */
const MAX_CLAIMS = 5;

export interface WatcherOptions {
  store: Store;
  clock: Clock;
  log: Log;
  owner: string;
  runner: HookRunner;
}

/**
 * Calls the hooks that only watch: what was committed with an event is called at least once, with the same key after a
 * restart. A call that fails is a dead letter and done; nobody waits for it. Where there are no hooks and none of their
 * calls is left over, nobody looks at the queue.
 */
export class HookWatchers {
  readonly #worker: QueueWorker;
  readonly #store: Store;
  readonly #runner: HookRunner;
  #state: "held" | "idle" | "working" | "stopped" = "held";
  readonly #stopping = new AbortController();

  constructor({ store, clock, log, owner, runner }: WatcherOptions) {
    this.#store = store;
    this.#runner = runner;
    this.#worker = new QueueWorker({
      store,
      clock,
      queue: HOOK_QUEUE,
      owner,
      leaseMs: LEASE_MS,
      concurrency: CONCURRENCY,
      horizonMs: LATEST_CALL_MS,
      handle: async (item) => {
        const input = HookInput.parse(item.payload);
        if (item.attempts > MAX_CLAIMS) {
          return { kind: "done", ops: await runner.giveUp(input, item.attempts - 1) };
        }
        const answer = await runner.call(input, this.#stopping.signal);
        if (this.#stopping.signal.aborted)
          return { kind: "retry", dueAtMs: item.dueAtMs, resetAttempts: true };
        return { kind: "done", ops: answer.ops };
      },
      onError: (item, error) =>
        log.error({ hook_call: item?.key, err: String(error) }, "calling hooks failed"),
    });
  }

  async start(): Promise<void> {
    this.#state = "idle";
    if ((await this.#store.nextDueAt(HOOK_QUEUE)) !== undefined) this.#begin();
    this.look();
  }

  /** There may be hooks now. */
  look(): void {
    if (this.#runner.active) this.#begin();
  }

  #begin(): void {
    if (this.#state !== "idle") return;
    this.#state = "working";
    this.#worker.start();
  }

  /** What is under way is called again by whoever comes next. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#stopping.abort();
    await this.#worker.stop();
  }
}
