import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { Daemon } from "../support/daemon.ts";
import { prepareLimit } from "../support/limit.ts";
import { closedLoop } from "../support/load.ts";
import { medianOf, percentile, round } from "../support/measure.ts";
import { RawHttp } from "../support/raw-http.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { fill } from "./fill.ts";
import { LIMIT, type ListQuery, limitPath, queriesFor } from "./queries.ts";

const RUNS = 1_000_000;
const REQUESTS_PER_ROUND = 10;

interface Side {
  name: string;
  list(query: ListQuery): Promise<string>;
}

/**
 * A page of 50 of a list, asked for by one client, against the same query of the same file in SQLite behind a bare
 * server: with the total count that a page of ours carries, and without it.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const runs = quick ? 20_000 : RUNS;
  const daemon = await Daemon.start();
  await daemon.process.stop();
  const { sessions } = await fill(daemon, runs);
  const limit = await prepareLimit(new URL("limit-server.ts", import.meta.url), {
    LISTED_DATABASE: daemon.database,
  });
  try {
    await daemon.process.start();
    await limit.process.start();
    const product = new RawHttp(daemon.baseUrl);
    const bare = new RawHttp(limit.baseUrl);
    const sides: Side[] = [
      { name: "limit: SQLite, page only", list: (query) => bare.call("GET", limitPath(query, false)) },
      { name: "limit: SQLite, page and count", list: (query) => bare.call("GET", limitPath(query, true)) },
      { name: "kheish", list: (query) => product.call("GET", query.path) },
    ];
    for (const query of queriesFor(runs, sessions)) {
      for (const side of sides) await mustBeFull(side, query);
      const rounds = await alternate(sides, quick ? 1 : ROUNDS, (side) => playRound(side, query));
      const lines = [...rounds].map(([side, played]) => ({
        side: side.name,
        query: query.name,
        stored_runs: runs,
        p50_ms: medianOf(played, (one) => one),
        rounds: played.length,
      }));
      yield* withRatios(lines);
    }
  } finally {
    await limit.remove();
    await daemon.remove();
  }
}

async function playRound(side: Side, query: ListQuery): Promise<number> {
  const { latencies } = await closedLoop(1, REQUESTS_PER_ROUND, () => side.list(query));
  return percentile(latencies, 0.5);
}

/** A list that answers fast because it finds nothing is no measurement. */
async function mustBeFull(side: Side, query: ListQuery): Promise<void> {
  const { items } = JSON.parse(await side.list(query)) as { items: unknown[] };
  if (items.length !== LIMIT) throw new Error(`${side.name}, ${query.name}: ${items.length} items`);
}

type ListLine = Line & { p50_ms: number };

function* withRatios(lines: readonly ListLine[]): Generator<Line> {
  const ours = lines.at(-1);
  const limits = lines.slice(0, -1);
  yield* limits;
  if (ours === undefined) return;
  const ratio = Object.fromEntries(limits.map(({ side, p50_ms }) => [side, round(ours.p50_ms / p50_ms)]));
  const aims = [atMost("x the limit", 2, ratio["limit: SQLite, page and count"] ?? Number.NaN)];
  yield { ...ours, ratio, aims };
}
