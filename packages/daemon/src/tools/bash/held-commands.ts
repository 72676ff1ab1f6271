import { type Clock, sleep } from "../../kernel/clock.ts";
import type { Shell } from "./shell.ts";

/** A command that is to go on as a task, on its way from the call that began it to whoever will look after it. */
export interface HeldCommand {
  shell: Shell;
  /** What it wrote until then, and what it writes from now on. */
  begun: string;
  stdout: AsyncIterable<Uint8Array>;
  stderr: AsyncIterable<Uint8Array>;
}

/** The commit that makes it a task has been refused if it has not come until then. */
const HELD_MS = 30_000;

/** Nothing is held for longer than the commit takes that says what it is: a command that belongs to nobody is killed. */
export class HeldCommands {
  readonly #held = new Map<string, HeldCommand>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(place: CallPlace, command: HeldCommand): void {
    this.#held.set(keyOf(place), command);
    void sleep(this.#clock, HELD_MS).then(() => {
      if (this.#held.get(keyOf(place)) !== command) return;
      this.#held.delete(keyOf(place));
      command.shell.signalGroup("SIGKILL");
      command.shell.closePipes();
    });
  }

  take(place: CallPlace): HeldCommand | undefined {
    const command = this.#held.get(keyOf(place));
    this.#held.delete(keyOf(place));
    return command;
  }
}

export interface CallPlace {
  runId: string;
  callId: string;
}

function keyOf({ runId, callId }: CallPlace): string {
  return `${runId}/${callId}`;
}
