import {
  type CommandDeps,
  check,
  type Kept,
  LEASE_MS,
  type StoredTask,
  shellLease,
  withMetadata,
} from "../../engine/index.ts";
import { endTree } from "../../tools/process/end-tree.ts";
import type { ProcessTraces } from "../../tools/process/traces.ts";
import { cutOff, type Endings } from "./endings.ts";
import { countsOf } from "./output-log.ts";
import type { TaskOutputs } from "./outputs.ts";

export interface LeftoversDeps {
  commands: CommandDeps;
  owner: string;
  outputs: TaskOutputs;
  traces: ProcessTraces;
}

/** Who runs this daemon's commands. */
export interface CommandHost {
  isRunning(id: string): boolean;
  launch(id: string): void;
}

/** The environment variable by which a command of a task is found again (04-R44). */
export const MARKER = "KHEISH_SHELL_TASK_ID";
const PAGE = 500;

/** Ends the commands of daemons that are dead, and hands the host those of its own that it has not heard of. */
export class Leftovers {
  readonly #deps: LeftoversDeps;
  readonly #endings: Endings;
  readonly #host: CommandHost;
  /** What another daemon, or this one before it died, left behind: its lease is taken to end it, not to begin it. */
  readonly #ending = new Set<string>();

  constructor(deps: LeftoversDeps, endings: Endings, host: CommandHost) {
    this.#deps = deps;
    this.#endings = endings;
    this.#host = host;
  }

  isEnding(id: string): boolean {
    return this.#ending.has(id);
  }

  /** Looks at each live task once; resolves when what was left behind is ended, and said to be. */
  async sweep(): Promise<void> {
    const { store } = this.#deps.commands;
    let after: string | undefined;
    for (;;) {
      const page = await store.list<never>("task", {
        index: "live",
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      const live = page as unknown as Kept<"task">[];
      await Promise.all(live.map((one) => this.#adoptOrEndOne(one)));
      if (page.length < PAGE) return;
      after = page.at(-1)?.cursor;
    }
  }

  async #adoptOrEndOne(one: Kept<"task">): Promise<void> {
    const { id, data: stored } = one;
    const { commands, owner } = this.#deps;
    const lease = await commands.store.getLease(shellLease(id));
    const isHeld = lease !== undefined && lease.expiresAtMs > commands.clock.now();
    if (isHeld && !this.#ending.has(id)) {
      // Its commit was heard of, or will be: it is this daemon's to begin.
      if (lease.owner === owner) this.#host.launch(id);
      return;
    }
    // Before the lease is asked for: when the answer gets lost it is held all the same, and the next look must know why.
    if (!this.#host.isRunning(id)) this.#ending.add(id);
    if (!(await this.#takeLease(one)) || this.#host.isRunning(id)) return void this.#ending.delete(id);
    await this.#endLeftover(id, stored);
    this.#ending.delete(id);
  }

  /** As long as the task is what it was when it was looked at: one that has ended has no lease to be left with. */
  async #takeLease(one: Kept<"task">): Promise<boolean> {
    const { commands, owner } = this.#deps;
    const { store, clock } = commands;
    const taken = await store.commit([
      check(one, "task"),
      { op: "acquire-lease", name: shellLease(one.id), owner, nowMs: clock.now(), leaseMs: LEASE_MS },
    ]);
    return taken.ok;
  }

  async #endLeftover(id: string, stored: StoredTask): Promise<void> {
    const { outputs, traces, commands } = this.#deps;
    const { pid, process_group_id, process_started_at } = withMetadata(stored, {});
    const ended = await endTree(
      {
        ...(typeof pid === "number" ? { pid } : {}),
        ...(typeof process_group_id === "number" ? { groupId: process_group_id } : {}),
        ...(typeof process_started_at === "string" ? { startedAt: process_started_at } : {}),
        marker: { name: MARKER, value: stored.task.id },
      },
      traces,
      commands.clock,
    );
    const bytes = await outputs.read(id);
    const kept = bytes === undefined ? { metadata: {} } : await this.#endings.keepOutput(id, countsOf(bytes));
    const end = cutOff({
      ...kept.metadata,
      recovered_on_boot: true,
      process_tree_shutdown_supported: true,
      process_tree_shutdown_confirmed: !ended.timedOut,
      process_tree_shutdown_matched_target: ended.matched,
      process_tree_shutdown_signal_sent: ended.signalled,
      process_tree_shutdown_timed_out: ended.timedOut,
      process_tree_remaining_pids: ended.remaining,
    });
    await this.#endings.settle(
      id,
      "blob" in kept && kept.blob !== undefined ? { ...end, blob: kept.blob } : end,
    );
  }
}
