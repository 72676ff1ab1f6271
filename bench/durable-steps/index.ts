import { post, startDaemon } from "../support/daemon.ts";
import { fsyncMs, median, percentile, round } from "../support/measure.ts";

const STEPS_PER_RUN = 10;
const ROUNDS = 5;
const RUNS_PER_ROUND: Record<number, number> = { 1: 40, 50: 300, 128: 500 };

/**
 * Runs of ten durable steps (five model turns, five tool calls of 300 bytes), submitted and awaited over HTTP.
 * Every step is on disk before the next begins. Does not measure a real model or a real tool.
 */
export async function* run(): AsyncGenerator<object> {
  for (const [atOnce, runs] of Object.entries(RUNS_PER_ROUND)) {
    const daemon = await startDaemon();
    try {
      const rounds: { stepsPerSecond: number; latencies: number[] }[] = [];
      for (let index = 0; index < ROUNDS; index++) {
        rounds.push(await playRound(daemon.baseUrl, `${atOnce}-${index}`, Number(atOnce), runs));
      }
      yield {
        side: "kheish-sqlite",
        at_once: Number(atOnce),
        steps_per_second: Math.round(median(rounds.map((one) => one.stepsPerSecond))),
        run_p50_ms: round(median(rounds.map((one) => percentile(one.latencies, 0.5)))),
        run_p99_ms: round(median(rounds.map((one) => percentile(one.latencies, 0.99)))),
        rounds: ROUNDS,
        fsync_ms: fsyncMs(),
        node: process.version,
      };
    } finally {
      await daemon.stop();
    }
  }
}

async function playRound(baseUrl: string, name: string, atOnce: number, runs: number) {
  const sessions = Array.from({ length: atOnce }, (_, index) => `bench-${name}-${index}`);
  for (const session of sessions) await post(`${baseUrl}/v1/sessions`, { session_id: session });
  const content = JSON.stringify({ simulate: "load", steps: STEPS_PER_RUN / 2, tool: "noop", bytes: 300 });
  const latencies: number[] = [];
  let left = runs;
  const start = performance.now();
  await Promise.all(
    sessions.map(async (session) => {
      while (left-- > 0) {
        const begun = performance.now();
        await post(`${baseUrl}/v1/sessions/${session}/input`, { content });
        latencies.push(performance.now() - begun);
      }
    }),
  );
  return {
    stepsPerSecond: (latencies.length * STEPS_PER_RUN) / ((performance.now() - start) / 1000),
    latencies,
  };
}
