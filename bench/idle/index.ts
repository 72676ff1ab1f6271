import { setTimeout as pause } from "node:timers/promises";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { medianOf, round } from "../support/measure.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { startSides } from "../support/sides.ts";
import { bareNode, kheishEmpty, kheishParked, restateEmpty, restateParked, type Side } from "./sides.ts";

const PARKED = 10_000;
const IDLE_MS = 60_000;

/**
 * What a server costs that nobody asks anything: from the spawn to ready, one start at a time and the sides in turn,
 * then the resident memory after a minute. For that minute all instances of all sides are up together, which none of
 * them can feel: resident memory counts what is shared, and there is memory for all.
 */
export async function* run({ quick, peers }: BenchOptions): AsyncGenerator<Line> {
  const count = quick ? 1 : ROUNDS;
  const parked = quick ? 200 : PARKED;
  const { sides, missing } = await startSides([
    { name: "limit: bare node:http", start: () => bareNode(count) },
    { name: "kheish", start: () => kheishEmpty(count) },
    { name: "kheish", start: () => kheishParked(count, parked) },
    ...(peers
      ? [
          { name: "restate", start: () => restateEmpty(count) },
          { name: "restate", start: () => restateParked(parked) },
        ]
      : []),
  ]);
  yield* missing;
  try {
    const starts = await alternate(sides, count, startOnce);
    const memory = await idleMemory(sides, quick ? 3_000 : IDLE_MS);
    const lines = sides.map((side) => lineOf(side, starts.get(side) ?? [], memory.get(side) ?? []));
    for (const line of lines) yield line.side === "kheish" ? withRatios(line, lines) : line;
  } finally {
    for (const { instances } of sides) for (const instance of instances) await instance.remove();
  }
}

async function startOnce({ instances }: Side, turn: number): Promise<number> {
  const instance = instances[turn % instances.length];
  if (instance === undefined) throw new Error("a side has no instance");
  const readyMs = await instance.process.start();
  await instance.process.kill();
  return readyMs;
}

async function idleMemory(sides: readonly Side[], idleMs: number): Promise<Map<Side, number[]>> {
  for (const { instances } of sides) for (const { process } of instances) await process.start();
  await pause(idleMs);
  return new Map(sides.map((side) => [side, side.instances.map(({ process }) => process.rssMb())]));
}

interface IdleLine extends Line {
  parked: number;
  ready_ms: number;
  rss_mb: number;
}

function lineOf(side: Side, starts: readonly number[], memory: readonly number[]): IdleLine {
  return {
    side: side.name,
    parked: side.parked,
    ready_ms: medianOf(starts, (one) => one),
    rss_mb: medianOf(memory, (one) => one),
    rounds: starts.length,
    rss_samples: memory.length,
    versions: side.versions,
  };
}

/** Against the peer with as much parked, and the limit, which can park nothing. */
function withRatios(line: IdleLine, lines: readonly IdleLine[]): Line {
  const others = lines.filter(
    (other) => other.side !== "kheish" && (other.parked === line.parked || other.side.startsWith("limit")),
  );
  const ratio = Object.fromEntries(
    others.flatMap((other) => [
      [`${other.side} rss`, round(line.rss_mb / other.rss_mb)],
      [`${other.side} ready`, round(line.ready_ms / other.ready_ms)],
    ]),
  );
  return {
    ...line,
    ratio,
    aims: [atMost("RSS MB", 110, line.rss_mb), atMost("ready ms", 400, line.ready_ms)],
  };
}
