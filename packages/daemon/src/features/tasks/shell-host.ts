import { constants } from "node:os";
import { isTaskOver, type JsonObject } from "@kheish/contract";
import {
  LEASE_MS,
  put,
  read,
  recorded,
  type ShellEnd,
  type StoredTask,
  sessionOfStream,
  taskRecordId,
  withMetadata,
} from "../../engine/index.ts";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import type { Timer } from "../../kernel/clock.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { CommandLauncher, HeldCommands, Shell, ShellExit } from "../../tools/bash/index.ts";
import type { ProcessTraces } from "../../tools/process/traces.ts";
import { countsFields, cutOff, Endings, type EndingsDeps } from "./endings.ts";
import { Leftovers, MARKER } from "./leftovers.ts";
import { type OutputCounts, OutputLog } from "./output-log.ts";
import { looksLikePrompt } from "./prompt.ts";
import { type CommandStreams, RunningCommand } from "./running.ts";

export interface ShellHostDeps extends EndingsDeps {
  launcher: CommandLauncher;
  held: HeldCommands;
  traces: ProcessTraces;
  redactor: Redactor;
  /** The longest that a command may run. */
  maxMs: number;
}

/** How often what runs is looked at (04-R48), and what no daemon looks after. */
const WATCH_MS = 5_000;
const SWEEP_MS = LEASE_MS;
const STALL_MS = 45_000;
const PROMPT_BYTES = 1_024;
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
  #watch: Timer | undefined;
  #sweep: Timer | undefined;
  #state: "held" | "working" | "stopped" = "held";
  readonly #stopping = new AbortController();
  readonly #endings: Endings;
  readonly #leftovers: Leftovers;

  constructor(deps: ShellHostDeps) {
    this.#deps = deps;
    this.#endings = new Endings(deps, this.#stopping.signal);
    this.#leftovers = new Leftovers(deps, this.#endings, {
      isRunning: (id) => this.#running.has(id),
      launch: (id) => this.#launch(id),
    });
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
    if (this.#running.has(id) || this.#leftovers.isEnding(id) || this.#state !== "working") return;
    const { outputs, commands, redactor } = this.#deps;
    const log = new OutputLog(outputs, id, commands.clock.now());
    const command = new RunningCommand(log, commands.clock, redactor);
    this.#running.set(id, command);
    this.#watchSoon();
    this.#do(
      id,
      this.#run(id, command).finally(() => this.#running.delete(id)),
    );
  }

  async #run(id: string, command: RunningCommand): Promise<void> {
    const { commands } = this.#deps;
    const stored = await this.#endings.insist(() => read(commands.store, "task", id));
    const { shell, task } = stored?.data ?? {};
    const held = shell?.adopted === true ? this.#heldFor(stored?.data) : undefined;
    if (stored === undefined || shell === undefined || task === undefined || isTaskOver(task.status)) {
      held?.shell.signalGroup("SIGKILL");
      return;
    }
    if (shell.adopted && held === undefined) return this.#endings.settle(id, cutOff({}));
    if (this.#isStopRequested(stored.data)) command.stop("stop");
    // Told to stop before it began: it does not begin.
    if (command.cause !== undefined && held === undefined)
      return this.#endings.settle(id, await this.#endOf(id, command));
    try {
      const streams = held ?? this.#start(id, stored.data);
      command.endAt(shell.deadline_at_ms);
      if (held !== undefined && held.begun !== "") await command.begunWith(held.begun);
      const finished = command.finish(streams);
      finished.catch(() => undefined);
      await this.#noteProcess(id, streams.shell);
      await this.#endings.settle(id, await this.#endOf(id, command, await finished));
    } catch (error) {
      this.#deps.log.warn({ task: id, err: String(error) }, "a background command could not be run");
      await this.#endings.settle(id, {
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
    const kept = await this.#endings.keepOutput(id, command.log.counts);
    const metadata: JsonObject = {
      ...kept.metadata,
      ...(exit === undefined
        ? {}
        : { exit_code: exitCode(exit), ...(exit.signal === null ? {} : { signal: exit.signal }) }),
    };
    const blob = kept.blob === undefined ? {} : { blob: kept.blob };
    if (cause === "drain") return { ...cutOff(metadata), ...blob };
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
    const swept = this.#leftovers.sweep().finally(() => {
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
      const kept = await this.#endings.insist(() => read(store, "task", id));
      if (kept?.data.shell === undefined || isTaskOver(kept.data.task.status)) return;
      const more = stalls ? { ...metadata, interactive_prompt_detected: true } : metadata;
      const task = {
        ...kept.data.task,
        metadata: withMetadata(kept.data, more),
        updated_at_ms: clock.now(),
      };
      const shell = stalls ? { ...kept.data.shell, news: "stalled" as const } : kept.data.shell;
      const op = put("task", id, { ...kept.data, task, shell }, kept.revision);
      const written = await this.#endings.insist(() => store.commit([op]));
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
}

function exitCode({ code, signal }: ShellExit): number {
  return signal === null ? (code ?? 0) : SIGNAL_EXIT_BASE + constants.signals[signal];
}
