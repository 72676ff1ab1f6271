import type { Json, RunStatus } from "@kheish/contract";
import { type Kept, type LedgerOutcome, recorded, sessionStream, textOf } from "../../../src/engine/index.ts";
import type { Store } from "../../../src/kernel/store.ts";

/** What became of one submission, without times and numbers: two histories of one plan can be compared in it. */
export interface Outcome {
  status: RunStatus;
  error: string | undefined;
  answers: string[];
  calls: Record<string, { ledger: LedgerOutcome; output: Json }>;
}

export async function runsIn(store: Store): Promise<Kept<"run">[]> {
  const runs = await store.list("run", { index: "submitted", limit: 10_000 });
  return runs as unknown as Kept<"run">[];
}

/** The plan's name of what a run was submitted for; goals begin runs that nobody submitted. */
export function submissionOf(run: Kept<"run">): string | undefined {
  const metadata = run.data.input_metadata as { submission?: string } | undefined;
  return run.data.kind === "goal_continuation" ? undefined : metadata?.submission;
}

/** By submission. */
export async function outcomesOf(store: Store): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  for (const run of await runsIn(store)) {
    const submission = submissionOf(run);
    if (submission !== undefined) outcomes.set(submission, await outcomeOf(store, run));
  }
  return outcomes;
}

async function outcomeOf(store: Store, run: Kept<"run">): Promise<Outcome> {
  const { status, error } = run.data;
  const outcome: Outcome = { status, error, answers: [], calls: {} };
  for (const stored of await store.readStream(sessionStream(run.data.session_id), {})) {
    const event = recorded(stored);
    if (!("run_id" in event.data) || event.data.run_id !== run.id) continue;
    if (event.type === "tool_call_finished") {
      const { call_id, ledger, result } = event.data;
      outcome.calls[call_id] = { ledger, output: result.output };
    } else if (event.type === "message_appended" && event.data.message.role === "assistant") {
      outcome.answers.push(textOf(event.data.message));
    }
  }
  return outcome;
}
