import { setTimeout as delay } from "node:timers/promises";
import type { SupervisedDaemon } from "../daemon/supervised-daemon.ts";
import type { Progress } from "../load/progress.ts";
import type { Fault } from "./fault.ts";

/** The last kills still meet work. */
const LAST_SHARE = 0.95;
const AFTER_MS: [number, number] = [0, 60];
/** Some processes are killed before they are ready; the others have done something. */
const YOUNG_SHARE = 0.15;
const YOUNG_MS: [number, number] = [0, 400];

export interface KillTargets {
  daemon: SupervisedDaemon;
  progress: Progress;
  /** Hears of each process right after its start. */
  tookOver: () => void;
}

/** SIGKILL for the daemon at random moments of the load. */
export function kills(count: number, { daemon, progress, tookOver }: KillTargets): Fault {
  return async ({ schedule, dice, say }) => {
    const shares = Array.from({ length: count }, () => dice.unit() * LAST_SHARE).sort((a, b) => a - b);
    for (const [index, share] of shares.entries()) {
      await schedule.at(share);
      await delay(dice.between(...AFTER_MS));
      const { inFlight, open } = progress;
      await daemon.kill();
      tookOver();
      say(`kill ${index + 1} of ${count}: ${inFlight} runs in flight, ${open} open`);
      if (dice.chance(YOUNG_SHARE)) await delay(dice.between(...YOUNG_MS));
      else await schedule.moves();
    }
  };
}
