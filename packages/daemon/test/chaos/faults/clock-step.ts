import { rename, writeFile } from "node:fs/promises";
import type { Fault } from "./fault.ts";

const SHARES = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];
const HOUR_MS = 3_600_000;
const STEP_HOURS: [number, number] = [1, 6];

/** What the daemon takes for the time: a file says how far it is from the machine's. */
export class SteppedClock {
  readonly file: string;
  #offsetMs = 0;

  private constructor(file: string) {
    this.file = file;
  }

  static async create(file: string): Promise<SteppedClock> {
    const clock = new SteppedClock(file);
    await clock.step(0);
    return clock;
  }

  now(): number {
    return Date.now() + this.#offsetMs;
  }

  /** Whole at any moment: the daemon may read it at any. */
  async step(byMs: number): Promise<void> {
    this.#offsetMs += byMs;
    await writeFile(`${this.file}.new`, String(this.#offsetMs));
    await rename(`${this.file}.new`, this.file);
  }
}

/** The daemon's clock jumps by hours, forward and back. */
export function clockStep(clock: SteppedClock): Fault {
  return async ({ schedule, dice, say }) => {
    for (const [index, share] of SHARES.entries()) {
      await schedule.at(share);
      const hours = dice.between(...STEP_HOURS) * (index % 2 === 0 ? 1 : -1);
      await clock.step(hours * HOUR_MS);
      say(`the clock was stepped by ${hours} h`);
    }
  };
}
