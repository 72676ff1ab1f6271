import { PassThrough, Readable } from "node:stream";
import type { CliClock, CliContext, DaemonModule, IdleSignal, StopSignal } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";
import { runCli } from "../run-cli.ts";

export interface CliSetup {
  env?: Record<string, string>;
  /** Given: standard output is a terminal this wide. */
  columns?: number;
  hasNoBrowser?: boolean;
  stdin?: string;
  workingDirectory?: string;
  clock?: CliClock;
  daemon?: DaemonModule;
}

export interface CliResult {
  code: ExitCode;
  stdout: string;
  stderr: string;
}

/** A machine for one command line: what it wrote, the signals it gets, how it was ended. */
export class FakeMachine {
  readonly context: CliContext;
  stdout = "";
  stderr = "";
  readonly openedUrls: string[] = [];
  readonly exits: number[] = [];
  readonly #listeners: { signal: StopSignal | IdleSignal; handler: () => void }[] = [];

  constructor(setup: CliSetup = {}) {
    const { env = {}, columns, stdin = "", workingDirectory = "/" } = setup;
    this.context = {
      env,
      workingDirectory,
      clock: setup.clock ?? fastClock(),
      terminal: {
        columns,
        rows: columns === undefined ? undefined : 24,
        out: (text) => {
          this.stdout += text;
        },
        err: (text) => {
          this.stderr += text;
        },
        readInput: async () => stdin,
        inputLines: async function* () {
          yield* stdin.split("\n").slice(0, -1);
        },
        streams: () => ({ input: Readable.from([stdin]), output: new PassThrough() }),
      },
      host: {
        onSignal: (signal, handler) => {
          const listener = { signal, handler };
          this.#listeners.push(listener);
          return () => void this.#listeners.splice(this.#listeners.indexOf(listener), 1);
        },
        hasTerminal: () => columns !== undefined,
        outliveReaders: () => undefined,
        exitNow: (code) => void this.exits.push(code),
        openUrl: (url, onFailure) => {
          this.openedUrls.push(url);
          if (setup.hasNoBrowser === true) onFailure?.();
        },
        loadDaemon: async () => setup.daemon ?? Promise.reject(new Error("this test runs no daemon")),
        loadDemo: () => Promise.reject(new Error("this test runs no demo")),
        loadOffline: () => import("../../../offline.ts"),
        loadArchives: () => import("../../../archives.ts"),
      },
    };
  }

  signal(sent: StopSignal | IdleSignal): void {
    for (const { signal, handler } of [...this.#listeners]) if (signal === sent) handler();
  }

  get listenerCount(): number {
    return this.#listeners.length;
  }

  async run(...argv: string[]): Promise<CliResult> {
    const code = await runCli(argv, this.context);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}

/** Runs one command line on a machine of its own. */
export function kheish(argv: readonly string[], setup: CliSetup = {}): Promise<CliResult> {
  return new FakeMachine(setup).run(...argv);
}

/** Sleeps cost a turn of the event loop, whatever they claim; the clock believes them. */
export function fastClock(startMs = 1_700_000_000_000): CliClock & { slept: number[] } {
  let now = startMs;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
