import type { Dice } from "../dice.ts";
import type { Schedule } from "../schedule.ts";

/** What a fault works with while the load runs. */
export interface FaultContext {
  schedule: Schedule;
  dice: Dice;
  say: (line: string) => void;
  /** Submits one more run; resolves when it has been accepted. */
  submitMore: () => Promise<unknown>;
  /** Resolves once the daemon has answered somebody with this problem. */
  meets: (code: string) => Promise<void>;
}

/** Strikes a few times during the load, and leaves the world whole. */
export type Fault = (context: FaultContext) => Promise<void>;
