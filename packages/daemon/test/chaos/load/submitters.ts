import type { RunView } from "@kheish/contract";
import type { Dice } from "../dice.ts";
import type { Caller } from "./caller.ts";
import type { PlannedRun } from "./plan.ts";
import type { Progress } from "./progress.ts";

const SUBMITTERS = 6;
const TWICE_SHARE = 0.2;
const LEAST_OPEN = 16;
const OPEN_SHARE = 0.35;

export interface Acceptance {
  run: PlannedRun;
  runId: string;
  /** What a second submission with the same key was answered, when there was one. */
  again?: string;
}

export interface Submission {
  caller: Caller;
  progress: Progress;
  dice: Dice;
  /** Accepted runs that may be open at one time. */
  mostOpen: number;
  onAccepted: (acceptance: Acceptance) => void;
}

/** The load lasts as long as the faults: a share of the runs is open at one time. */
export function mostOpenOf(runs: number): number {
  return Math.max(LEAST_OPEN, Math.ceil(runs * OPEN_SHARE));
}

/** Callers that submit until they are acknowledged, some of them twice at once. */
export async function submitAll(plan: readonly PlannedRun[], submission: Submission): Promise<void> {
  const { caller, progress, dice, mostOpen, onAccepted } = submission;
  const left = [...plan];
  const work = async () => {
    for (let run = left.shift(); run !== undefined; run = left.shift()) {
      await progress.until("a run to settle", () => progress.open < mostOpen);
      onAccepted(await submit(run, caller, progress, dice.chance(TWICE_SHARE)));
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, work));
}

export async function submit(
  run: PlannedRun,
  caller: Caller,
  progress: Progress,
  twice = false,
): Promise<Acceptance> {
  await caller.post("/v1/sessions", { session_id: run.session });
  const [runId, again] = await Promise.all(
    Array.from({ length: twice ? 2 : 1 }, () => submitOnce(run, caller)),
  );
  if (runId === undefined) throw new Error("a submission was answered with nothing");
  progress.accept(runId);
  return { run, runId, ...(again === undefined ? {} : { again }) };
}

async function submitOnce(run: PlannedRun, caller: Caller): Promise<string> {
  const { status, body } = await caller.post(
    `/v1/sessions/${run.session}/runs`,
    { content: run.script },
    run.key,
  );
  if (status !== 202) throw new Error(`a submission was refused with ${status}: ${JSON.stringify(body)}`);
  return (body as RunView).run_id;
}
