import { constants } from "node:os";
import { isTaskOver, type JsonObject } from "@kheish/contract";
import {
  type CommandDeps,
  check,
  endedShellTask,
  type Kept,
  LEASE_MS,
  put,
  read,
  recorded,
  type ShellEnd,
  type StoredTask,
  sessionOfStream,
  shellLease,
  TaskBook,
  taskRecordId,
  tellTasks,
  toldTask,
  transact,
  untoldTasks,
  withMetadata,
} from "../../engine/index.ts";
import type { Blobs } from "../../kernel/blobs.ts";
import { sleep, type Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import { backoff } from "../../kernel/queue-worker.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { CommandLauncher, HeldCommands, Shell, ShellExit } from "../../tools/bash/index.ts";
import { endTree } from "../../tools/process/end-tree.ts";
import type { ProcessTraces } from "../../tools/process/traces.ts";
import { countsOf, type OutputCounts, OutputLog } from "./output-log.ts";
import type { TaskOutputs } from "./outputs.ts";
import { looksLikePrompt } from "./prompt.ts";
import { type CommandStreams, RunningCommand } from "./running.ts";

export interface ShellHostDeps {
  commands: CommandDeps;
  blobs: Blobs;
  log: Log;
  /** Who holds the leases of what runs here. */
  owner: string;
  launcher: CommandLauncher;
  held: HeldCommands;
  outputs: TaskOutputs;
  traces: ProcessTraces;
  /** The longest that a command may run. */
  maxMs: number;
}

/** The environment variable by which a command of a task is found again (04-R44). */
export const MARKER = "KHEISH_SHELL_TASK_ID";
/** How often what runs is looked at (04-R48), and what no daemon looks after. */
const WATCH_MS = 5_000;
const SWEEP_MS = LEASE_MS;
const STALL_MS = 45_000;
const PROMPT_BYTES = 1_024;
const PAGE = 500;
/** What a shell that was ended by a signal would have reported of a child of its own. */
const SIGNAL_EXIT_BASE = 128;

/**
 * Runs the commands whose tasks name this daemon, and ends those whose daemon is dead.
 *
 * S1 a command begins after the commit of its task, and only in the daemon that the commit names
 * S2 a task ends once: by a commit guarded by its record's revision, whoever makes it
 * S3 whoever runs a command holds its task's lease; a live task whose lease is free has no daemon, and is ended as
 *    failed, its processes with it; nothing is started again (04-R52)
 */
export class ShellHost {
  readonly #deps: ShellHostDeps;
  readonly #running = new Map<string, RunningCommand>();
  readonly #working = new Set<Promise<void>>();
  /** What another daemon, or this one before it died, left behind: its lease is taken to end it, not to begin it. */
  readonly #ending = new Set<string>();
  #watch: Timer | undefined;
  #sweep: Timer | undefined;
  #state: "held" | "working" | "stopped" = "held";
  readonly #stopping = new AbortController();

  constructor(deps: ShellHostDeps) {
    this.#deps = deps;
  }

  /** What is live and nobody's is ended beside whatever else begins: a start does not wait for processes to end. */
  start(): void {
    this.#state = "working";
    this.#sweepNow();
  }

  /** What runs is ended, and said to be: it does not outlive the daemon that answers for it. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#watch?.cancel();
    this.#sweep?.cancel();
    for (const command of this.#running.values()) command.stop("drain");
    while (this.#working.size > 0) await Promise.allSettled([...this.#working]);
    this.#stopping.abort();
  }

  /** Stops waiting for a store that does not answer. */
  giveUp(): void {
    this.#stopping.abort();
  }

  get liveCount(): number {
    return this.#running.size;
  }

  /** What a command of this daemon has written so far; undefined where it is not here. */
  countsOf(id: string): OutputCounts | undefined {
    return this.#running.get(id)?.log.counts;
  }

  heard(stored: StoredEvent): void {
    const sessionId = sessionOfStream(stored.stream);
    if (sessionId === undefined || this.#state !== "working") return;
    const event = recorded(stored);
    if (event.type !== "task_changed" || event.data.host !== this.#deps.owner) return;
    const id = taskRecordId(sessionId, event.data.task_id);
    if (event.data.change === "created") this.#launch(id);
    if (event.data.change === "stop_requested") this.#running.get(id)?.stop("stop");
    if (isTaskOver(event.data.status)) this.#running.get(id)?.stop("lost");
  }

  #launch(id: string): void {
    if (this.#running.has(id) || this.#ending.has(id) || this.#state !== "working") return;
    const { outputs, commands } = this.#deps;
    const command = new RunningCommand(new OutputLog(outputs, id, commands.clock.now()), commands.clock);
    this.#running.set(id, command);
    this.#watchSoon();
    this.#do(
      id,
      this.#run(id, command).finally(() => this.#running.delete(id)),
    );
  }

  async #run(id: string, command: RunningCommand): Promise<void> {
    const { commands } = this.#deps;
    const stored = await this.#insist(() => read(commands.store, "task", id));
    const { shell, task } = stored?.data ?? {};
    const held = shell?.adopted === true ? this.#heldFor(stored?.data) : undefined;
    if (stored === undefined || shell === undefined || task === undefined || isTaskOver(task.status)) {
      held?.shell.signalGroup("SIGKILL");
      return;
    }
    if (shell.adopted && held === undefined) return this.#settle(id, this.#cutOff({}));
    if (this.#isStopRequested(stored.data)) command.stop("stop");
    // Told to stop before it began: it does not begin.
    if (command.cause !== undefined && held === undefined)
      return this.#settle(id, await this.#endOf(id, command));
    try {
      const streams = held ?? this.#start(id, stored.data);
      command.endAt(shell.deadline_at_ms);
      if (held !== undefined && held.begun !== "")
        await command.log.append(Buffer.from(held.begun), commands.clock.now());
      const finished = command.finish(streams);
      finished.catch(() => undefined);
      await this.#noteProcess(id, streams.shell);
      await this.#settle(id, await this.#endOf(id, command, await finished));
    } catch (error) {
      this.#deps.log.warn({ task: id, err: String(error) }, "a background command could not be run");
      await this.#settle(id, {
        status: "failed",
        output: "the command could not be started",
        metadata: {},
      });
    }
  }

  #heldFor(stored: StoredTask | undefined) {
    const { tool_call_id } = withMetadata(stored as StoredTask, {});
    const runId = stored?.shell?.run.run_id ?? "";
    return this.#deps.held.take({ runId, callId: String(tool_call_id) });
  }

  #start(id: string, { shell, task }: StoredTask): CommandStreams {
    if (shell === undefined) throw new Error(`task '${id}' has no command`);
    const started = this.#deps.launcher.launch({
      command: task.description,
      cwd: shell.cwd,
      workspaceRoot: shell.workspace_root,
      network: shell.network,
      env: { [MARKER]: task.id },
    });
    return { shell: started, stdout: started.stdout, stderr: started.stderr };
  }

  // ------------------------------------------------------------ endings

  async #endOf(id: string, command: RunningCommand, exit?: ShellExit): Promise<ShellEnd> {
    const { cause } = command;
    const kept = await this.#keepOutput(id, command.log.counts);
    const metadata: JsonObject = {
      ...kept.metadata,
      ...(exit === undefined
        ? {}
        : { exit_code: exitCode(exit), ...(exit.signal === null ? {} : { signal: exit.signal }) }),
    };
    const blob = kept.blob === undefined ? {} : { blob: kept.blob };
    if (cause === "drain") return { ...this.#cutOff(metadata), ...blob };
    if (cause === "stop")
      return { status: "cancelled", output: "stopped", metadata: { ...metadata, cancelled: true }, ...blob };
    if (cause === "deadline") {
      const output = `stopped: it ran for ${this.#deps.maxMs} ms, the longest that a background command may`;
      return {
        status: "failed",
        output,
        metadata: { ...metadata, terminal_reason: "deadline_exceeded" },
        ...blob,
      };
    }
    if (command.captureError !== undefined) {
      const reason = command.captureError;
      return {
        status: "failed",
        output: "stopped: its output could not be kept",
        metadata: {
          ...metadata,
          terminal_reason: "output_capture_failed",
          output_capture_error: reason,
        },
        ...blob,
      };
    }
    const isOk = exit?.code === 0;
    const how = exit?.signal == null ? `exited with code ${exit?.code}` : `was ended by ${exit.signal}`;
    return { status: isOk ? "completed" : "failed", output: how, metadata, ...blob };
  }

  /** The daemon went down under it (04-R52). */
  #cutOff(metadata: JsonObject): ShellEnd {
    return {
      status: "failed",
      output: "cut off: the daemon that ran it went down; it was not started again",
      metadata: { ...metadata, terminal_reason: "daemon_restarted" },
    };
  }

  /** All that is left of the output goes to where it outlives this disk. */
  async #keepOutput(
    id: string,
    counts: OutputCounts,
  ): Promise<{ metadata: JsonObject; blob?: { sha256: string; size_bytes: number } }> {
    const { outputs, blobs, log } = this.#deps;
    const metadata = countsFields(counts);
    try {
      const bytes = await outputs.read(id);
      if (bytes === undefined) return { metadata };
      const { sha256, sizeBytes } = await blobs.put(bytes);
      return { metadata, blob: { sha256, size_bytes: sizeBytes } };
    } catch (error) {
      log.warn({ task: id, err: String(error) }, "the output of a background command could not be kept");
      return { metadata: { ...metadata, output_capture_error: "its output could not be kept" } };
    }
  }

  /**
   * Says how a command ended, in one commit with what follows from it: the record, the hooks that watch, and the run
   * that tells the agent, when nobody is at work there. Again until the store takes it.
   */
  async #settle(id: string, end: ShellEnd): Promise<void> {
    const { commands, outputs, owner } = this.#deps;
    const sessionId = id.slice(0, id.lastIndexOf("/"));
    const taskId = id.slice(id.lastIndexOf("/") + 1);
    await this.#insist(() =>
      transact(commands, sessionId, async (change, session) => {
        const kept = await read(commands.store, "task", id);
        const ended = kept && endedShellTask(kept.data, explained(kept.data, end), change.now);
        const lease = await commands.store.getLease(shellLease(id));
        if (lease?.owner === owner) change.add({ op: "release-lease", name: lease.name, token: lease.token });
        if (kept === undefined || ended === undefined) return;
        const book = new TaskBook(commands, session.data);
        await book.get(taskId);
        // Where the session is over nobody is left to be told.
        book.stage(session.data.ended_at_ms === undefined ? ended : toldTask(ended));
        book.flush(change);
        if (session.data.active_run_id !== undefined || session.data.ended_at_ms !== undefined) return;
        const others = (await untoldTasks(commands.store, sessionId)).filter((one) => one.id !== id);
        await tellTasks(commands.store, change, [...others, { ...kept, data: ended }]);
      }),
    );
    await outputs.remove(id).catch(() => undefined);
  }

  // ------------------------------------------------------------ what no daemon looks after

  async #adoptOrEnd(): Promise<void> {
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
      if (lease.owner === owner) this.#launch(id);
      return;
    }
    // Before the lease is asked for: when the answer gets lost it is held all the same, and the next look must know why.
    if (!this.#running.has(id)) this.#ending.add(id);
    if (!(await this.#takeLease(one)) || this.#running.has(id)) return void this.#ending.delete(id);
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
    const kept = bytes === undefined ? { metadata: {} } : await this.#keepOutput(id, countsOf(bytes));
    const end = this.#cutOff({
      ...kept.metadata,
      recovered_on_boot: true,
      process_tree_shutdown_supported: true,
      process_tree_shutdown_confirmed: !ended.timedOut,
      process_tree_shutdown_matched_target: ended.matched,
      process_tree_shutdown_signal_sent: ended.signalled,
      process_tree_shutdown_timed_out: ended.timedOut,
      process_tree_remaining_pids: ended.remaining,
    });
    await this.#settle(id, "blob" in kept && kept.blob !== undefined ? { ...end, blob: kept.blob } : end);
  }

  // ------------------------------------------------------------ watching

  #watchSoon(): void {
    if (this.#watch !== undefined || this.#state !== "working" || this.#running.size === 0) return;
    this.#watch = this.#deps.commands.clock.schedule(WATCH_MS, () => {
      this.#watch = undefined;
      for (const [id, command] of this.#running) this.#do(id, this.#look(id, command));
      this.#watchSoon();
    });
  }

  #sweepNow(): void {
    const swept = this.#adoptOrEnd().finally(() => {
      if (this.#state !== "working") return;
      this.#sweep = this.#deps.commands.clock.schedule(SWEEP_MS, () => this.#sweepNow());
    });
    this.#do("all", swept);
  }

  /** Keeps what is known of the output, and says once that a command seems to wait for an answer (04-R48). */
  async #look(id: string, command: RunningCommand): Promise<void> {
    const { outputs, commands } = this.#deps;
    const { counts, lastAtMs } = command.log;
    const isQuiet = !command.stalled && commands.clock.now() - lastAtMs >= STALL_MS;
    const tail = isQuiet ? await outputs.tail(id, PROMPT_BYTES) : undefined;
    const stalls = tail !== undefined && looksLikePrompt(tail.toString("utf8"));
    if (counts.total === command.toldTotal && !stalls) return;
    command.toldTotal = counts.total;
    command.stalled ||= stalls;
    await this.#note(id, countsFields(counts), stalls);
  }

  async #noteProcess(id: string, { pid }: Shell): Promise<void> {
    const startedAt = pid === undefined ? undefined : await this.#deps.traces.startedAt(pid);
    await this.#note(id, {
      ...(pid === undefined ? {} : { pid, process_group_id: pid }),
      ...(startedAt === undefined ? {} : { process_started_at: startedAt }),
      output_file_path: this.#deps.outputs.nameOf(id),
    });
  }

  /** No transition: nobody is told, and whoever changed the task meanwhile is not overwritten. */
  async #note(id: string, metadata: JsonObject, stalls = false): Promise<void> {
    const { store, clock } = this.#deps.commands;
    for (;;) {
      const kept = await this.#insist(() => read(store, "task", id));
      if (kept?.data.shell === undefined || isTaskOver(kept.data.task.status)) return;
      const more = stalls ? { ...metadata, interactive_prompt_detected: true } : metadata;
      const task = {
        ...kept.data.task,
        metadata: withMetadata(kept.data, more),
        updated_at_ms: clock.now(),
      };
      const shell = stalls ? { ...kept.data.shell, news: "stalled" as const } : kept.data.shell;
      const op = put("task", id, { ...kept.data, task, shell }, kept.revision);
      const written = await this.#insist(() => store.commit([op]));
      if (written === undefined || written.ok) return;
    }
  }

  #isStopRequested(stored: StoredTask): boolean {
    return withMetadata(stored, {}).stop_requested === true;
  }

  // ------------------------------------------------------------ work

  #do(id: string, work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((error: unknown) =>
        this.#deps.log.error({ task: id, err: String(error) }, "looking after background commands failed"),
      )
      .finally(() => this.#working.delete(done));
    this.#working.add(done);
  }

  /** Again until the store answers; undefined when the daemon is going down meanwhile. */
  async #insist<T>(act: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act();
      } catch (error) {
        this.#deps.log.error({ err: String(error) }, "the state of a background command could not be kept");
        if (this.#stopping.signal.aborted) return undefined;
        await sleep(this.#deps.commands.clock, backoff(attempt), this.#stopping.signal);
        if (this.#stopping.signal.aborted) return undefined;
      }
    }
  }
}

function countsFields({ size, total, rotations }: OutputCounts): JsonObject {
  return {
    output_size_bytes: size,
    output_total_bytes: total,
    output_rotated: rotations > 0,
    output_rotation_count: rotations,
  };
}

/** A stop says why, where somebody said so. */
function explained(stored: StoredTask, end: ShellEnd): ShellEnd {
  const { stop_reason: reason } = withMetadata(stored, {});
  return end.status === "cancelled" && typeof reason === "string" ? { ...end, output: reason } : end;
}

function exitCode({ code, signal }: ShellExit): number {
  return signal === null ? (code ?? 0) : SIGNAL_EXIT_BASE + constants.signals[signal];
}
