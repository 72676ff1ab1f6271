import { atLeast, atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { Daemon, UNATTENDED } from "../support/daemon.ts";
import { prepareLimit } from "../support/limit.ts";
import { closedLoop, type Load } from "../support/load.ts";
import { medianOf, percentile, round } from "../support/measure.ts";
import { RawHttp } from "../support/raw-http.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { queuedSide, runningSide } from "./kheish.ts";
import type { Side } from "./side.ts";

const AT_ONCE = 64;
const SUBMISSIONS = 3_000;

/**
 * `POST /v1/sessions/{id}/runs` to its 202, 64 at a time, against a bare server that inserts a row.
 * `queued`: behind busy runs, so that accepting is all the daemon does. `running`: each run begins and ends
 * at once, so that accepting shares the daemon with the work it accepted.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const limit = await prepareLimit(new URL("limit-server.ts", import.meta.url));
  const queued = await Daemon.start({ flags: UNATTENDED });
  const running = await Daemon.start({ flags: UNATTENDED });
  try {
    await limit.process.start();
    const sides = [bareSide(limit.baseUrl), await queuedSide(queued), runningSide(running)];
    const total = quick ? 500 : SUBMISSIONS;
    for (const side of sides) await playRound(side, total);
    const rounds = await alternate(sides, quick ? 1 : ROUNDS, (side) => playRound(side, total));
    const lines = [...rounds].map(([side, played]) => lineOf(side, played));
    const [bare, ...ours] = lines;
    if (bare === undefined) return;
    yield bare;
    for (const line of ours) {
      const ratio = { limit: round(line.accepted_per_second / bare.accepted_per_second) };
      const aims = [atMost("p99 ms", 6, line.p99_ms), atLeast("x the limit's rate", 0.5, ratio.limit)];
      yield { ...line, ratio, aims };
    }
  } finally {
    for (const one of [limit, queued, running]) await one.remove();
  }
}

async function playRound(side: Side, total: number): Promise<Load> {
  await side.prepare(total);
  const load = await closedLoop(AT_ONCE, total, side.submit);
  await side.settle();
  return load;
}

function bareSide(baseUrl: string): Side {
  const http = new RawHttp(baseUrl);
  const body = JSON.stringify({ content: "hello" });
  const nothing = async () => undefined;
  return {
    name: "limit: node:http + SQLite",
    prepare: nothing,
    submit: () => http.call("POST", "/runs", body),
    settle: nothing,
  };
}

function lineOf(side: Side, rounds: readonly Load[]) {
  return {
    side: side.name,
    at_once: AT_ONCE,
    accepted_per_second: Math.round(medianOf(rounds, (one) => one.perSecond)),
    p50_ms: medianOf(rounds, (one) => percentile(one.latencies, 0.5)),
    p99_ms: medianOf(rounds, (one) => percentile(one.latencies, 0.99)),
    rounds: rounds.length,
    submissions_per_round: rounds[0]?.latencies.length,
  };
}
