import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { Daemon, UNATTENDED } from "../support/daemon.ts";
import { getJson, postJson } from "../support/http.ts";
import { medianOf } from "../support/measure.ts";
import { ROUNDS } from "../support/rounds.ts";
import { type JournalFacts, readJournal } from "./journal.ts";

const RESULT_BYTES = 5_000;
/** Steps are looked at in windows of this many, so that a whole number of milliseconds is exact enough. */
const WINDOW = 200;
const WARM_UP_STEPS = 600;

interface Round {
  early: number;
  settled: number;
  late: number;
  checkpoints: number;
  uniqueBytes: number;
  diskBytes: number;
}

/**
 * One session, one run of 10,000 steps whose tool calls answer 5 KB each, with the context pipeline at its defaults.
 * Cost of a step: the time between tool results in the journal, around step 100, step 1,000 (the prompt has reached
 * its steady size) and step 10,000. Disk: the database when the daemon has stopped.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const steps = quick ? 2_000 : 10_000;
  const rounds: Round[] = [];
  for (let index = 0; index < (quick ? 1 : ROUNDS); index++) rounds.push(await playRound(steps));
  const stepRatio = medianOf(rounds, (one) => one.late / one.early);
  const diskRatio = medianOf(rounds, (one) => one.diskBytes / one.uniqueBytes);
  yield {
    side: "kheish",
    steps,
    step_100_ms: medianOf(rounds, (one) => one.early),
    step_1000_ms: medianOf(rounds, (one) => one.settled),
    [`step_${steps}_ms`]: medianOf(rounds, (one) => one.late),
    step_ratio: stepRatio,
    checkpoints: rounds[0]?.checkpoints,
    disk_mb: medianOf(rounds, (one) => one.diskBytes / 1e6),
    unique_mb: medianOf(rounds, (one) => one.uniqueBytes / 1e6),
    disk_ratio: diskRatio,
    rounds: rounds.length,
    aims: [atMost("step cost ratio", 1.25, stepRatio), atMost("disk / unique bytes", 1.5, diskRatio)],
  };
}

/** On a store of its own, in a process that has been at work before. */
async function playRound(steps: number): Promise<Round> {
  const daemon = await Daemon.start({ flags: UNATTENDED, env: { KHEISH_AGENT_MAX_TURNS: "0" } });
  try {
    await play(daemon, "warm-up", WARM_UP_STEPS);
    await play(daemon, "growth", steps);
    const journal = await readJournal(daemon.baseUrl, "growth");
    const warmUp = await readJournal(daemon.baseUrl, "warm-up");
    await daemon.process.stop();
    return {
      early: stepMs(journal, 0),
      settled: stepMs(journal, 1_000 - WINDOW / 2),
      late: stepMs(journal, steps - WINDOW),
      checkpoints: journal.checkpoints,
      uniqueBytes: warmUp.uniqueBytes + journal.uniqueBytes,
      diskBytes: statSync(daemon.database).size,
    };
  } finally {
    await daemon.remove();
  }
}

async function play(daemon: Daemon, session: string, steps: number): Promise<void> {
  const content = JSON.stringify({ simulate: "load", steps: steps / 2, tool: "noop", bytes: RESULT_BYTES });
  await postJson(`${daemon.baseUrl}/v1/sessions`, { session_id: session });
  const { run_id } = await postJson<{ run_id: string }>(`${daemon.baseUrl}/v1/sessions/${session}/runs`, {
    content,
  });
  for (;;) {
    const { status, error } = await getJson<{ status: string; error?: string }>(
      `${daemon.baseUrl}/v1/runs/${run_id}`,
    );
    if (status === "completed") return;
    if (status !== "queued" && status !== "running") throw new Error(`${run_id} is ${status}: ${error}`);
    await pause(200);
  }
}

/** Every second step is a tool result. */
function stepMs({ resultTimes }: JournalFacts, fromStep: number): number {
  const first = fromStep / 2;
  const last = first + WINDOW / 2 - 1;
  return ((resultTimes[last] ?? Number.NaN) - (resultTimes[first] ?? Number.NaN)) / (WINDOW - 2);
}
