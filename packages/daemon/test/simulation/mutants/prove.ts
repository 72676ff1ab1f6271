import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { CheckName } from "../invariants/check.ts";
import { MUTANTS } from "./catalogue.ts";
import type { Mutant } from "./mutant.ts";

const run = promisify(execFile);
const HUNT = fileURLToPath(new URL("hunt.ts", import.meta.url));
/** A fault that makes the daemon run in circles must not hold up the others. */
const HUNT_WITHIN_MS = 900_000;

export interface Hunted {
  mutant: Mutant;
  /** Seeds that were tried. */
  tried: number;
  /** Undefined: the fault got through. */
  found: { seed: number; check: CheckName; detail: string } | undefined;
}

/** Plants each fault in a process of its own and looks how many seeds it takes to find it. */
export async function prove(
  options: { from: number; seeds: number; mutants?: readonly Mutant[] },
  onHunted: (hunted: Hunted) => void,
): Promise<Hunted[]> {
  const waiting = [...(options.mutants ?? MUTANTS)];
  const hunted: Hunted[] = [];
  const hunter = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const one = await hunt(mutant, options.from, options.seeds);
      hunted.push(one);
      onHunted(one);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, hunter));
  return hunted;
}

async function hunt(mutant: Mutant, from: number, seeds: number): Promise<Hunted> {
  try {
    const args = [HUNT, mutant.name, String(from), String(seeds)];
    const { stdout } = await run(process.execPath, args, { timeout: HUNT_WITHIN_MS });
    const { tried, found } = JSON.parse(stdout) as Omit<Hunted, "mutant">;
    return { mutant, tried, found };
  } catch (error) {
    // A daemon that runs in circles takes its simulation with it; nobody would miss that.
    return {
      mutant,
      tried: 0,
      found: { seed: from, check: "incident", detail: String(error).slice(0, 500) },
    };
  }
}
