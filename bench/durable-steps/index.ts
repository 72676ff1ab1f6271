import type { Aim, BenchOptions, Line } from "../support/bench.ts";
import { atLeast, atMost } from "../support/bench.ts";
import { closedLoop, type Load } from "../support/load.ts";
import { medianOf, percentile, round } from "../support/measure.ts";
import { durablePostgres } from "../support/postgres.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { type Candidate, startSides } from "../support/sides.ts";
import { kheishSide } from "./kheish.ts";
import { postgresSide, restateSide } from "./peers.ts";
import type { StepsSide } from "./side.ts";

const STEPS = 10;
const AT_ONCE = [1, 50, 128];
const ROUND_SECONDS = 3;

/**
 * Runs of ten durable steps, submitted and awaited over HTTP: five model turns and five tool calls of the simulator
 * here, ten steps there, each with a result of 300 bytes. Does not measure a real model or a real tool.
 */
export async function* run(options: BenchOptions): AsyncGenerator<Line> {
  yield* compare(options, [
    { name: "kheish-sqlite", start: () => kheishSide("kheish-sqlite", "sqlite", STEPS) },
    ...(options.peers ? [{ name: "restate", start: () => restateSide(STEPS) }] : []),
  ]);
  const { server, settings } = await durablePostgres();
  try {
    const url = () => server.createDatabase();
    const own: Candidate<StepsSide> = {
      name: "kheish-postgres",
      start: async () => kheishSide("kheish-postgres", await url(), STEPS),
    };
    const peers = (["dbos", "langgraph"] as const).map((name) => ({
      name,
      start: async () => postgresSide(name, await url(), STEPS),
    }));
    for await (const line of compare(options, [own, ...(options.peers ? peers : [])])) {
      yield { ...line, postgres: settings };
    }
  } finally {
    await server.stop();
  }
}

async function* compare(
  { quick }: BenchOptions,
  candidates: readonly Candidate<StepsSide>[],
): AsyncGenerator<Line> {
  const { sides, missing } = await startSides(candidates);
  yield* missing;
  try {
    for (const atOnce of quick ? [50] : AT_ONCE) {
      const runs = await calibrate(sides, atOnce, quick ? 1 : ROUND_SECONDS);
      const rounds = await alternate(sides, quick ? 1 : ROUNDS, (side) =>
        playRound(side, atOnce, runs.get(side) ?? atOnce),
      );
      const lines = [...rounds].map(([side, played]) => lineOf(side, atOnce, played));
      const peers = lines.filter((line) => !isOurs(line));
      for (const line of lines) yield isOurs(line) ? withRatios(line, peers) : line;
    }
  } finally {
    for (const side of sides) await side.remove();
  }
}

/** How many runs fill a round: as many as this side can play in the time, and each slot at least twice. */
async function calibrate(
  sides: readonly StepsSide[],
  atOnce: number,
  seconds: number,
): Promise<Map<StepsSide, number>> {
  const runs = new Map<StepsSide, number>();
  for (const side of sides) {
    await playRound(side, atOnce, atOnce + 5);
    const { perSecond } = await playRound(side, atOnce, atOnce + 20);
    runs.set(side, Math.max(2 * atOnce, Math.ceil(perSecond * seconds)));
  }
  return runs;
}

async function playRound(side: StepsSide, atOnce: number, runs: number): Promise<Load> {
  await side.prepare(runs);
  return closedLoop(atOnce, runs, () => side.runSteps());
}

interface StepsLine extends Line {
  at_once: number;
  steps_per_second: number;
  run_p50_ms: number;
}

function lineOf(side: StepsSide, atOnce: number, rounds: readonly Load[]): StepsLine {
  return {
    side: side.name,
    at_once: atOnce,
    steps_per_second: Math.round(medianOf(rounds, (one) => one.perSecond * STEPS)),
    run_p50_ms: medianOf(rounds, (one) => percentile(one.latencies, 0.5)),
    run_p99_ms: medianOf(rounds, (one) => percentile(one.latencies, 0.99)),
    rounds: rounds.length,
    runs_per_round: rounds[0]?.latencies.length,
    versions: side.versions,
  };
}

function isOurs({ side }: Line): boolean {
  return side.startsWith("kheish");
}

function withRatios(line: StepsLine, peers: readonly StepsLine[]): Line {
  const ratio = Object.fromEntries(
    peers.map((peer) => [peer.side, round(line.steps_per_second / peer.steps_per_second)]),
  );
  return { ...line, ratio, aims: aimsOf(line, ratio) };
}

function aimsOf(line: StepsLine, ratio: Record<string, number>): Aim[] {
  const { restate, dbos } = ratio;
  return [
    ...(restate === undefined ? [] : [atLeast("x Restate's steps/s", 10, restate)]),
    ...(dbos === undefined ? [] : [atLeast("x DBOS's steps/s", 20, dbos)]),
    ...(line.side === "kheish-sqlite" && line.at_once === 1
      ? [atMost("run p50 ms", 3, line.run_p50_ms)]
      : []),
    ...(line.side === "kheish-sqlite" && line.at_once === 50
      ? [atLeast("steps/s, half of the bare write path", 12_000, line.steps_per_second)]
      : []),
    ...(line.side === "kheish-postgres" && line.at_once === 50
      ? [atLeast("steps/s, half of the bare write path", 6_000, line.steps_per_second)]
      : []),
  ];
}
