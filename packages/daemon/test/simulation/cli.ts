import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { unmet } from "./marks.ts";
import { MUTANTS } from "./mutants/catalogue.ts";
import { prove } from "./mutants/prove.ts";
import { report } from "./report.ts";
import { check, checkPlan } from "./seed.ts";
import { shrink } from "./shrink.ts";
import { nothingSwept, type Swept, together } from "./sweep.ts";

const HELP = `usage: npm run sim -- [options]

  --seeds N      how many seeds to simulate (default 500)
  --from S       the first of them (default 1)
  --seed X       one seed only; when it fails it is shrunk to a short history
  --trace        with --seed: print the whole history, as it is
  --prove        plant deliberate faults in the daemon, one at a time, and show that the simulation finds each
  --fault NAME   with --prove: this fault only
  --help

A simulation is the whole daemon on a simulated clock, store, model and world; its seed decides what clients want,
what goes wrong, in which order things happen, and at which write the process dies. See docs/durability.md.`;

/** Seeds that a fault is looked for in before it counts as one that got through. */
const PROVE_SEEDS = 6_000;
/** Fewer seeds cannot be expected to meet everything. */
const ENOUGH_TO_MEET_ALL = 500;

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof parse>;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.prove) return proveFaults(options.from, options.seeds ?? PROVE_SEEDS, options.fault);
  if (options.seed !== undefined) return oneSeed(options.seed, options.trace);
  return manySeeds(options.from, options.seeds ?? 500);
}

function parse(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      prove: { type: "boolean", default: false },
      fault: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { fault } = values;
  if (fault !== undefined && !MUTANTS.some(({ name }) => name === fault)) {
    throw new Error(`--fault: no fault '${fault}'; one of: ${MUTANTS.map(({ name }) => name).join(", ")}`);
  }
  if (values.trace && values.seed === undefined) throw new Error("--trace needs --seed X");
  if (fault !== undefined && !values.prove) throw new Error("--fault needs --prove");
  return {
    ...values,
    seeds: number("--seeds", values.seeds, 1),
    from: number("--from", values.from, 0) ?? 1,
    seed: number("--seed", values.seed, 0),
  };
}

function number(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d{1,9}$/.test(text) && value >= least) return value;
  throw new Error(`${name} must be a whole number of at least ${least}, not '${text}'`);
}

async function manySeeds(from: number, seeds: number): Promise<number> {
  const begun = performance.now();
  const swept = await sweepInParallel(from, seeds);
  const seconds = (performance.now() - begun) / 1000;
  const missing = seeds < ENOUGH_TO_MEET_ALL ? [] : unmet(swept.marks);
  const violated = [...swept.violations];
  console.log(
    `${swept.seeds} seeds from ${from} in ${seconds.toFixed(1)} s: ${swept.events} events, ${swept.commits} commits, ` +
      `${Math.round(swept.simulatedMs / 3_600_000)} h of simulated time, ${violated.length} violations`,
  );
  if (swept.unrepeatable.length > 0) console.log(`not repeatable: seeds ${swept.unrepeatable.join(", ")}`);
  if (missing.length > 0) console.log(`never met: ${missing.join("; ")}`);
  for (const { seed, check: name, detail } of violated.slice(0, 20)) {
    console.log(`seed ${seed} violates ${name}: ${detail}\n  npm run sim -- --seed ${seed}`);
  }
  const [first] = violated;
  if (first !== undefined) await oneSeed(first.seed, false);
  return violated.length + swept.unrepeatable.length + missing.length === 0 ? 0 : 1;
}

/** Each worker takes one part: what it costs to load the daemon is paid once. */
async function sweepInParallel(from: number, seeds: number): Promise<Swept> {
  const workers = Math.min(availableParallelism(), seeds);
  const part = Math.ceil(seeds / workers);
  let done = 0;
  const parts = Array.from({ length: workers }, (_, index) => {
    const first = index * part;
    return inWorker(from + first, Math.min(part, seeds - first), () => progress(++done, seeds));
  });
  const swept = (await Promise.all(parts)).reduce(together, nothingSwept());
  progress(undefined, seeds);
  return swept;
}

function inWorker(from: number, seeds: number, onSeed: () => void): Promise<Swept> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("sweep-worker.ts", import.meta.url), { workerData: { from, seeds } });
    worker.on("message", (message: { swept?: Swept }) => {
      if (message.swept === undefined) onSeed();
      else resolve(message.swept);
    });
    worker.on("error", reject);
  });
}

function progress(done: number | undefined, all: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(done === undefined ? "\r\x1b[K" : `\r${done} of ${all} seeds`);
}

/** A failing seed is run again, byte for byte, and shrunk; what is left is told. */
async function oneSeed(seed: number, traced: boolean): Promise<number> {
  const done = await check(seed, { traced: true });
  if (traced || done.violation === undefined) {
    if (traced) for (const { atMs, who, what } of done.lines) console.log(`${atMs}\t${who}\t${what}`);
    console.log(
      `seed ${seed}: digest ${done.digest.toString(16)}, ${done.events} events, ${done.commits} commits`,
    );
    if (done.violation !== undefined)
      console.log(`violates ${done.violation.check}: ${done.violation.detail}`);
    return done.violation === undefined ? 0 : 1;
  }
  console.error(`seed ${seed} violates ${done.violation.check}; looking for a shorter history ...`);
  const smallest = await shrink(done.plan, done.violation.check);
  console.log(report(await checkPlan(smallest, { traced: true })));
  return 1;
}

async function proveFaults(from: number, seeds: number, fault: string | undefined): Promise<number> {
  const mutants = MUTANTS.filter(({ name }) => fault === undefined || name === fault);
  const hunted = await prove({ from, seeds, mutants }, ({ mutant, tried, found }) => {
    const how =
      found === undefined ? `NOT CAUGHT in ${tried} seeds` : `caught by ${found.check} in ${tried} seeds`;
    console.log(`${mutant.name.padEnd(34)} ${how.padEnd(36)} ${mutant.fault}`);
  });
  const missed = hunted.filter(({ found }) => found === undefined);
  console.log(`${hunted.length - missed.length} of ${hunted.length} faults caught`);
  return missed.length === 0 ? 0 : 1;
}
