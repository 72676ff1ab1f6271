import type { Redactor } from "../../governance/redaction/redactor.ts";
import { type Clock, sleep, type Timer } from "../../kernel/clock.ts";
import { Reading, runShell, type Shell, type ShellExit } from "../../tools/bash/index.ts";
import type { OutputLog } from "./output-log.ts";

/** Why a command is ended before it ends by itself. `lost`: somebody else has said already how it ended. */
export type StopCause = "stop" | "deadline" | "capture" | "drain" | "lost";

export interface CommandStreams {
  shell: Shell;
  stdout: AsyncIterable<Uint8Array>;
  stderr: AsyncIterable<Uint8Array>;
}

/** One command of this daemon, from its start until nothing of its process group is left. */
export class RunningCommand {
  readonly log: OutputLog;
  /** Said once to its owner. */
  stalled = false;
  /** What the store was told of its output. */
  toldTotal = -1;
  captureError: string | undefined;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #cause: StopCause | undefined;
  #deadline: Timer | undefined;

  readonly #redactor: Redactor;

  constructor(log: OutputLog, clock: Clock, redactor: Redactor) {
    this.log = log;
    this.#clock = clock;
    this.#redactor = redactor;
  }

  /** The first cause counts. */
  stop(cause: StopCause): void {
    this.#cause ??= cause;
    this.#stop.abort();
  }

  get cause(): StopCause | undefined {
    return this.#cause;
  }

  endAt(deadlineMs: number): void {
    this.#deadline = this.#clock.schedule(Math.max(0, deadlineMs - this.#clock.now()), () =>
      this.stop("deadline"),
    );
  }

  /** Resolves when the command is over and all it wrote is in its log; rejects when it could not start. */
  async finish({ shell, stdout, stderr }: CommandStreams): Promise<ShellExit> {
    const reading = new Reading();
    const pumps = Promise.all([this.#pump(reading.watch(stdout)), this.#pump(reading.watch(stderr))]);
    try {
      const exit = await runShell(shell, reading, this.#clock, this.#stop.signal);
      // A process that left the group may hold a stream open for ever.
      await Promise.race([pumps, sleep(this.#clock, 1_000)]);
      return exit;
    } finally {
      this.#deadline?.cancel();
    }
  }

  /** What it had written before it went to the background. */
  begunWith(text: string): Promise<void> {
    return this.log.append(Buffer.from(this.#redactor.text(text)), this.#clock.now());
  }

  /**
   * Reads on when the disk does not take it any more: a command that nobody reads does not end. What a command prints is
   * kept and shown without the daemon's secrets, as the result of any other call is (02-R93).
   */
  async #pump(stream: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of this.#redactor.bytes(stream)) {
      if (this.captureError !== undefined) continue;
      try {
        await this.log.append(chunk, this.#clock.now());
      } catch (error) {
        this.captureError = error instanceof Error ? error.message : String(error);
        this.stop("capture");
      }
    }
  }
}
