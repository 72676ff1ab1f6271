import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { temporaryFolder } from "../support/cleanup.ts";
import { Daemon } from "../support/daemon.ts";
import { median, medianOf, round } from "../support/measure.ts";
import { BIN } from "../support/published.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";

const STARTS_PER_ROUND = 15;

interface Side {
  name: string;
  args: readonly string[];
  env: Record<string, string>;
}

/**
 * The wall time of whole processes, from the spawn to the exit, one after the other: `kheish status` of a running
 * daemon, with Node's compile cache filled by an earlier call and without one, against a Node that does nothing.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const daemon = await Daemon.start();
  const cache = temporaryFolder("compile-cache");
  try {
    const status = [BIN, "status", "--base-url", daemon.baseUrl];
    const bare = { name: "limit: node -e 0", args: ["-e", "0"], env: {} };
    const warm = {
      name: "kheish status",
      args: status,
      env: { NODE_COMPILE_CACHE: join(cache.path, "cache") },
    };
    const uncached = {
      name: "kheish status, no compile cache",
      args: status,
      env: { NODE_DISABLE_COMPILE_CACHE: "1" },
    };
    const sides: Side[] = [bare, warm, uncached];
    for (const side of sides) wallMs(side);
    const starts = Array.from({ length: quick ? 3 : STARTS_PER_ROUND });
    const rounds = await alternate(sides, quick ? 1 : ROUNDS, async (side) =>
      median(starts.map(() => wallMs(side))),
    );
    const limit = medianOf(rounds.get(bare) ?? [], (one) => one);
    for (const [side, played] of rounds) {
      const wall = medianOf(played, (one) => one);
      const line = { side: side.name, wall_ms: wall, rounds: played.length, starts_per_round: starts.length };
      const ratio = { limit: round(wall / limit) };
      if (side === bare) yield line;
      else yield { ...line, ratio, aims: [atMost("x the limit", 3, ratio.limit)] };
    }
  } finally {
    await daemon.remove();
    cache.remove();
  }
}

function wallMs({ args, env }: Side): number {
  const begun = performance.now();
  const done = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const took = performance.now() - begun;
  if (done.status !== 0) throw new Error(`${args.join(" ")}: ${done.stderr}`);
  return took;
}
