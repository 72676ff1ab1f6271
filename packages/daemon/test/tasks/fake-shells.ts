import type { World } from "../../src/compose.ts";
import type { TaskOutputs } from "../../src/features/tasks/index.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { commandLauncher, HeldCommands } from "../../src/tools/bash/index.ts";
import type { Shell, ShellExit, ShellRequest } from "../../src/tools/bash/shell.ts";
import type { ProcessTraces } from "../../src/tools/process/traces.ts";

/** A command that writes and ends when the test says so. */
export class FakeShell implements Shell {
  readonly pid: number;
  readonly request: ShellRequest;
  readonly signals: string[] = [];
  /** Whether it ends when it is told to. */
  obeys = true;
  readonly #exit = Promise.withResolvers<ShellExit>();
  readonly exited = this.#exit.promise;
  readonly #out = new Pipe();
  readonly #err = new Pipe();
  readonly stdout = this.#out.read();
  readonly stderr = this.#err.read();
  #gone = false;

  constructor(request: ShellRequest, pid: number) {
    this.request = request;
    this.pid = pid;
  }

  write(text: string): void {
    this.#out.write(Buffer.from(text));
  }

  end(code: number | null = 0, signal: NodeJS.Signals | null = null): void {
    this.#gone = true;
    this.#out.end();
    this.#err.end();
    this.#exit.resolve({ code, signal });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  signalGroup(signal: "SIGTERM" | "SIGKILL" | 0): boolean {
    if (this.#gone) return false;
    if (signal === 0) return true;
    this.signals.push(signal);
    if (signal === "SIGKILL" || this.obeys) this.end(null, signal);
    return true;
  }

  closePipes(): void {
    this.#out.end();
    this.#err.end();
  }
}

class Pipe {
  readonly #chunks: Uint8Array[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  write(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** Outputs that outlive every daemon of a test. */
export class MemoryOutputs implements TaskOutputs {
  readonly files = new Map<string, Buffer>();
  /** What the next writes fail with. */
  fault: Error | undefined;

  async append(id: string, bytes: Uint8Array): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    this.files.set(id, Buffer.concat([this.files.get(id) ?? Buffer.alloc(0), bytes]));
  }
  async replace(id: string, bytes: Uint8Array): Promise<void> {
    this.files.set(id, Buffer.from(bytes));
  }
  async read(id: string): Promise<Buffer | undefined> {
    return this.files.get(id);
  }
  async tail(id: string, bytes: number): Promise<Buffer | undefined> {
    return this.files.get(id)?.subarray(-bytes);
  }
  async remove(id: string): Promise<void> {
    this.files.delete(id);
  }
  nameOf(id: string): string {
    return `task-output/${id}`;
  }
}

/** Everything that a machine has of commands: who runs, what they wrote, and who can be found again. */
export class FakeMachine {
  readonly shells: FakeShell[] = [];
  readonly outputs = new MemoryOutputs();
  readonly signalled: string[] = [];
  /** How often all its processes were looked through. */
  looks = 0;
  /** Process number -> when it began. */
  readonly started = new Map<number, string>();
  /** Whether a command ends when its daemon dies; else it is left behind. */
  refuses: Error | undefined;

  shellsFor(clock: Clock, maxMs = 3_600_000): NonNullable<World["shells"]> {
    return {
      launcher: commandLauncher({
        start: (request) => this.#start(request),
        childEnv: { PATH: "/bin" },
      }),
      held: new HeldCommands(clock),
      outputs: this.outputs,
      traces: this.traces,
      maxMs,
    };
  }

  get last(): FakeShell {
    const last = this.shells.at(-1);
    if (last === undefined) throw new Error("no command was started");
    return last;
  }

  #start(request: ShellRequest): Shell {
    if (this.refuses !== undefined) throw this.refuses;
    const shell = new FakeShell(request, 1_000 + this.shells.length);
    this.started.set(shell.pid, `boot:${shell.pid}`);
    this.shells.push(shell);
    return shell;
  }

  readonly traces: ProcessTraces = {
    startedAt: async (pid) => (this.#find(pid)?.isGone === true ? undefined : this.started.get(pid)),
    carriers: async (name) => {
      this.looks++;
      const standing = this.shells.filter(({ isGone }) => !isGone);
      const byValue = Map.groupBy(standing, ({ request }) => request.env[name] ?? "");
      return new Map([...byValue].map(([value, shells]) => [value, shells.map(({ pid }) => pid)]));
    },
    signal: (pid, signal) => this.#signal(pid, signal, "process"),
    signalGroup: (pid, signal) => this.#signal(pid, signal, "group"),
  };

  #find(pid: number): FakeShell | undefined {
    return this.shells.find((shell) => shell.pid === pid);
  }

  #signal(pid: number, signal: "SIGTERM" | "SIGKILL", what: string): boolean {
    this.signalled.push(`${signal} ${what} ${pid}`);
    return this.#find(pid)?.signalGroup(signal) ?? false;
  }
}
