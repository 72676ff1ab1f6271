import { atLeast, type Bench, type BenchOptions, type Line } from "../support/bench.ts";
import { medianOf, round } from "../support/measure.ts";
import { alternate, ROUNDS } from "../support/rounds.ts";
import { appendSide } from "./append.ts";
import { fileOf } from "./file.ts";
import { verifyFile } from "./verify.ts";

/** Runs that write at one time, and what each writes in a commit: an outcome and the next request. */
const CHAINS = 64;
const RECORDS_PER_COMMIT = 2;
const ROUND_COMMITS = 10_000;
const FILE_RECORDS = 100_000;
const VERIFY_ROUNDS = 3;

/**
 * The ledger by itself: records that are chained, on disk and anchored, beside the same commits with neither hash nor
 * anchor; and an exported file that is verified, beside the same with every signature checked. CPU time is that of
 * all threads: what a busy machine makes of the figures per second, it does not make of this one.
 */
export const run: Bench = async function* ({ quick }: BenchOptions): AsyncGenerator<Line> {
  yield* appended(quick);
  yield* verified(quick);
};

interface Round {
  perSecond: number;
  cpuMicros: number;
}

/** So many records, timed. */
async function timed(records: number, work: () => Promise<void>): Promise<Round> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: records / seconds, cpuMicros: (user + system) / records };
}

function figures(rounds: readonly Round[]) {
  return {
    records_per_second: Math.round(medianOf(rounds, ({ perSecond }) => perSecond)),
    cpu_us_per_record: medianOf(rounds, ({ cpuMicros }) => cpuMicros),
  };
}

async function* appended(quick: boolean): AsyncGenerator<Line> {
  const sides = [await appendSide("signed"), await appendSide("unsigned")];
  try {
    const commits = quick ? 2_000 : ROUND_COMMITS;
    for (const side of sides) await side.append(CHAINS, commits / 10, RECORDS_PER_COMMIT);
    const rounds = await alternate(sides, quick ? 1 : ROUNDS, (side) =>
      timed(commits * RECORDS_PER_COMMIT, () => side.append(CHAINS, commits, RECORDS_PER_COMMIT)),
    );
    const at = { at_once: CHAINS, records_per_commit: RECORDS_PER_COMMIT };
    const [signed, unsigned] = [...rounds].map(([side, played]) => ({
      side: side.name,
      ...at,
      ...figures(played),
    }));
    if (signed === undefined || unsigned === undefined) return;
    const ratio = round(signed.records_per_second / unsigned.records_per_second);
    const aims = [atLeast("signed records/s", 20_000, signed.records_per_second)];
    yield { ...signed, ratio: { unsigned: ratio }, aims };
    yield unsigned;
  } finally {
    for (const side of sides) await side.remove();
  }
}

async function* verified(quick: boolean): AsyncGenerator<Line> {
  const file = await fileOf(quick ? 10_000 : FILE_RECORDS);
  try {
    const sides = [
      { name: "verify", everySignature: false },
      { name: "verify-every-signature", everySignature: true },
    ];
    const rounds = await alternate(sides, quick ? 1 : VERIFY_ROUNDS, ({ everySignature }) =>
      timed(file.records, () => verifyFile(file.path, file.records, everySignature)),
    );
    for (const [{ name, everySignature }, played] of rounds) {
      const line = { side: name, records: file.records, ...figures(played) };
      const aims = [atLeast("verified records/s", 100_000, line.records_per_second)];
      yield everySignature ? line : { ...line, aims };
    }
  } finally {
    await file.remove();
  }
}
