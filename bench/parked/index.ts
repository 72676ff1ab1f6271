import { setTimeout as pause } from "node:timers/promises";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { medianOf, round } from "../support/measure.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { startSides } from "../support/sides.ts";
import { kheishParking } from "./kheish.ts";
import { restateParking } from "./restate.ts";
import type { ParkingSide } from "./side.ts";

/** Waits that are there when memory is taken as that of an empty store; one is approved in each round. */
const FEW = 10;
/** Memory is read when the start has been forgotten. */
const SETTLE_MS = 8_000;

interface Round {
  readyMs: number;
  resumeMs: number;
  countMs: number;
  rssMb: number;
}

/**
 * Runs that wait for an approval: SIGKILL, start, and one of them is approved at once. What is not measured is a
 * wait of a week: time passes no differently for rows.
 */
export async function* run({ quick, peers }: BenchOptions): AsyncGenerator<Line> {
  const small = quick ? 500 : 10_000;
  const large = quick ? 1_000 : 100_000;
  const { sides, missing } = await startSides([
    { name: "kheish", start: kheishParking },
    ...(peers ? [{ name: "restate", start: restateParking }] : []),
  ]);
  yield* missing;
  const kheish = sides.find((side) => side.name === "kheish");
  if (kheish === undefined) return;
  const others = sides.filter((side) => side !== kheish);
  const rounds = quick ? 1 : ROUNDS;
  try {
    const few = await measure(sides, 0, FEW, rounds);
    const emptyMb = (side: ParkingSide) => medianOf(few.get(side) ?? [], (one) => one.rssMb);
    const first = await measure(sides, FEW, small, rounds);
    const line = (side: ParkingSide) => lineOf(side, small, emptyMb(side), first.get(side) ?? []);
    const peerLines = others.map(line);
    yield* peerLines;
    yield withAims(line(kheish), peerLines);
    for (const other of others) await other.remove();
    const second = await measure([kheish], small, large, rounds);
    yield withAims(lineOf(kheish, large, emptyMb(kheish), second.get(kheish) ?? []), []);
  } finally {
    for (const side of sides) await side.remove();
  }
}

/** Parks `from` to `to` on each side, then plays the rounds in turn; all settle together. */
async function measure(
  sides: readonly ParkingSide[],
  from: number,
  to: number,
  rounds: number,
): Promise<Map<ParkingSide, Round[]>> {
  for (const side of sides) await side.park(from, to);
  const results = new Map<ParkingSide, Round[]>(sides.map((side) => [side, []]));
  for (let index = 0; index < rounds; index++) {
    const began = await alternate(sides, 1, (side) => dieAndRise(side, from + index));
    await pause(SETTLE_MS);
    for (const [side, played] of began) {
      for (const one of played) results.get(side)?.push({ ...one, rssMb: side.rssMb() });
    }
  }
  return results;
}

/** One that waits is approved as soon as the side is ready. */
async function dieAndRise(side: ParkingSide, number: number): Promise<Omit<Round, "rssMb">> {
  const before = await side.count();
  await side.kill();
  const readyMs = await side.start();
  const resumeMs = await side.approve(number);
  const begun = performance.now();
  const after = await side.count();
  const countMs = performance.now() - begun;
  if (after !== before - 1)
    throw new Error(`${side.name}: ${before} waited before the kill, ${after} after it`);
  return { readyMs, resumeMs, countMs };
}

interface ParkedLine extends Line {
  parked: number;
  ready_ms: number;
  resume_ms: number;
  rss_kb_per_run: number;
}

function lineOf(side: ParkingSide, parked: number, emptyMb: number, rounds: readonly Round[]): ParkedLine {
  const rssMb = medianOf(rounds, (one) => one.rssMb);
  return {
    side: side.name,
    parked,
    ready_ms: medianOf(rounds, (one) => one.readyMs),
    resume_ms: medianOf(rounds, (one) => one.resumeMs),
    count_ms: medianOf(rounds, (one) => one.countMs),
    rss_mb: rssMb,
    rss_empty_mb: emptyMb,
    rss_kb_per_run: round(((rssMb - emptyMb) * 1e3) / parked),
    rounds: rounds.length,
    versions: side.versions,
  };
}

function withAims(line: ParkedLine, others: readonly ParkedLine[]): Line {
  const ratio = Object.fromEntries(
    others.flatMap((other) => [
      [`${other.side} ready`, round(line.ready_ms / other.ready_ms)],
      [`${other.side} resume`, round(line.resume_ms / other.resume_ms)],
    ]),
  );
  const aims = [
    atMost("ready ms", 1_000, line.ready_ms),
    atMost("resume ms", 150, line.resume_ms),
    atMost("KB RSS a parked run", 1, line.rss_kb_per_run),
  ];
  return { ...line, ratio, aims };
}
