import type { World as DaemonWorld } from "../../../src/compose.ts";
import { MARKER, type TaskOutputs } from "../../../src/features/tasks/index.ts";
import { HeldCommands } from "../../../src/tools/bash/index.ts";
import type { CommandRequest } from "../../../src/tools/bash/launch.ts";
import type { Shell, ShellExit } from "../../../src/tools/bash/shell.ts";
import type { ProcessTraces } from "../../../src/tools/process/traces.ts";
import { NO_SANDBOX } from "../../../src/tools/sandbox/sandbox.ts";
import { hash } from "./prng.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Owner, Scheduler } from "./scheduler.ts";

/** A command that was started on the machine, by whom, and how it ended. */
export interface Command {
  pid: number;
  task: string;
  process: string;
  slot: number;
  exit?: ShellExit;
}

const FIRST_PID = 2_000;
const LONGEST_MS = 12_000;
const MAX_MS = 20_000;

/** The machine on which commands run: they are nobody's memory, and end by themselves or because they are killed. */
export class Commands implements Owner {
  readonly name = "machine";
  readonly alive = true;
  readonly all: Command[] = [];
  readonly outputs = new Outputs();
  onLaunch: (command: Command) => void = () => undefined;
  readonly #scheduler: Scheduler;
  readonly #seed: number;
  readonly #kill = new Map<number, (exit: ShellExit) => void>();

  constructor(scheduler: Scheduler, seed: number) {
    this.#scheduler = scheduler;
    this.#seed = seed;
  }

  of(task: string): Command[] {
    return this.all.filter((command) => command.task === task);
  }

  shellsFor(process: SimulatedProcess): NonNullable<DaemonWorld["shells"]> {
    return {
      launcher: { sandbox: NO_SANDBOX, launch: (request) => this.#launch(process, request) },
      held: new HeldCommands(process.clock),
      outputs: this.outputs,
      traces: this.#traces,
      maxMs: MAX_MS,
    };
  }

  #launch(process: SimulatedProcess, { env = {} }: CommandRequest): Shell {
    const task = env[MARKER] ?? "";
    const pid = FIRST_PID + this.all.length;
    const command: Command = { pid, task, process: process.name, slot: process.slot };
    this.all.push(command);
    const draw = hash(this.#seed, task);
    const exited = Promise.withResolvers<ShellExit>();
    const closed = Promise.withResolvers<void>();
    const end = (exit: ShellExit) => {
      if (command.exit !== undefined) return;
      command.exit = exit;
      // The daemon hears of it when it comes to it, if it is still there.
      this.#scheduler.schedule(0, process, "exit", () => {
        exited.resolve(exit);
        closed.resolve();
      });
    };
    this.#kill.set(pid, end);
    this.#scheduler.schedule(draw % LONGEST_MS, this, "command ends", () =>
      end({ code: draw % 3 === 0 ? 1 : 0, signal: null }),
    );
    // Half of them have left their group before their guard could see to it.
    if (draw % 2 !== 0) {
      process.onDeath(() =>
        this.#scheduler.schedule(20, this, "guard", () => end({ code: null, signal: "SIGKILL" })),
      );
    }
    this.onLaunch(command);
    return {
      pid,
      exited: exited.promise,
      stdout: words(`${task}\n`, closed.promise),
      stderr: words("", closed.promise),
      signalGroup: (signal) => this.#signal(command, signal),
      closePipes: () => closed.resolve(),
    };
  }

  #signal(command: Command, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
    if (command.exit !== undefined) return false;
    const obeys = hash(this.#seed, `obeys ${command.task}`) % 3 !== 0;
    if (signal === "SIGKILL" || (signal === "SIGTERM" && obeys))
      this.#kill.get(command.pid)?.({ code: null, signal });
    return true;
  }

  readonly #traces: ProcessTraces = {
    startedAt: async (pid) =>
      this.all.some((command) => command.pid === pid && command.exit === undefined) ? `${pid}` : undefined,
    carriers: async () => {
      const standing = Map.groupBy(
        this.all.filter(({ exit }) => exit === undefined),
        ({ task }) => task,
      );
      return new Map([...standing].map(([task, commands]) => [task, commands.map(({ pid }) => pid)]));
    },
    signal: (pid, signal) => this.#signalPid(pid, signal),
    signalGroup: (pid, signal) => this.#signalPid(pid, signal),
  };

  #signalPid(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
    const command = this.all.find((one) => one.pid === pid);
    return command !== undefined && this.#signal(command, signal);
  }
}

async function* words(text: string, closed: Promise<void>): AsyncGenerator<Uint8Array> {
  if (text !== "") yield Buffer.from(text);
  await closed;
}

/** Files outlive every process. */
class Outputs implements TaskOutputs {
  readonly #files = new Map<string, Buffer>();

  async append(id: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(id, Buffer.concat([this.#files.get(id) ?? Buffer.alloc(0), bytes]));
  }
  async replace(id: string, bytes: Uint8Array): Promise<void> {
    this.#files.set(id, Buffer.from(bytes));
  }
  async read(id: string): Promise<Buffer | undefined> {
    return this.#files.get(id);
  }
  async tail(id: string, bytes: number): Promise<Buffer | undefined> {
    return this.#files.get(id)?.subarray(-bytes);
  }
  async remove(id: string): Promise<void> {
    this.#files.delete(id);
  }
  nameOf(id: string): string {
    return id;
  }
}
