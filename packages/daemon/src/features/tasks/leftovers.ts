import {
  type CommandDeps,
  check,
  type Kept,
  LEASE_MS,
  shellLease,
  withMetadata,
} from "../../engine/index.ts";
import { endTrees, type KnownProcess, type TreeShutdown } from "../../tools/process/end-trees.ts";
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

/** What is known of a process that was left behind, and of which task it is. */
interface LeftProcess extends KnownProcess {
  id: string;
}

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
      await this.#adoptOrEnd(live);
      if (page.length < PAGE) return;
      after = page.at(-1)?.cursor;
    }
  }

  /** Those that are to be ended are ended together; one that could not be looked at holds up nobody else. */
  async #adoptOrEnd(live: readonly Kept<"task">[]): Promise<void> {
    const { traces, commands } = this.#deps;
    const looks = await Promise.allSettled(live.map((one) => this.#adoptOrTake(one)));
    const left = looks.flatMap((look) => (look.status === "fulfilled" ? look.value : []));
    const ended = await endTrees(left, MARKER, traces, commands.clock);
    const told = await Promise.allSettled(ended.map((shutdown) => this.#tellEnd(shutdown)));
    for (const one of [...looks, ...told]) if (one.status === "rejected") throw one.reason;
  }

  /** Its process, when it was left behind and this daemon has its lease to end it. */
  async #adoptOrTake(one: Kept<"task">): Promise<LeftProcess[]> {
    const { id } = one;
    const { commands, owner } = this.#deps;
    const lease = await commands.store.getLease(shellLease(id));
    const isHeld = lease !== undefined && lease.expiresAtMs > commands.clock.now();
    if (isHeld && !this.#ending.has(id)) {
      // Its commit was heard of, or will be: it is this daemon's to begin.
      if (lease.owner === owner) this.#host.launch(id);
      return [];
    }
    // Before the lease is asked for: when the answer gets lost it is held all the same, and the next look must know why.
    if (!this.#host.isRunning(id)) this.#ending.add(id);
    if ((await this.#takeLease(one)) && !this.#host.isRunning(id)) return [processOf(one)];
    this.#ending.delete(id);
    return [];
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

  async #tellEnd(ended: TreeShutdown<LeftProcess>): Promise<void> {
    const { outputs } = this.#deps;
    const { id } = ended.process;
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
      process_tree_remaining_pids: [...ended.remaining],
    });
    await this.#endings.settle(
      id,
      "blob" in kept && kept.blob !== undefined ? { ...end, blob: kept.blob } : end,
    );
    this.#ending.delete(id);
  }
}

/** What the record of a task says of its process. */
function processOf({ id, data: stored }: Kept<"task">): LeftProcess {
  const { pid, process_group_id, process_started_at } = withMetadata(stored, {});
  return {
    id,
    ...(typeof pid === "number" ? { pid } : {}),
    ...(typeof process_group_id === "number" ? { groupId: process_group_id } : {}),
    ...(typeof process_started_at === "string" ? { startedAt: process_started_at } : {}),
    mark: stored.task.id,
  };
}
