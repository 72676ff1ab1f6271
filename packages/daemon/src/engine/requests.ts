import type { Store } from "../kernel/store.ts";
import { type Kept, questionRecordId, type RunRecord, readMany } from "./records.ts";
import type { SessionChange } from "./session-change.ts";

/** The open requests of a waiting run, in the order of the calls they are for. */
export async function pendingApprovals(store: Store, run: RunRecord): Promise<Kept<"approval">[]> {
  const found = await readMany(store, "approval", run.pending_approval_ids);
  const inOrder = (a: Kept<"approval">, b: Kept<"approval">) =>
    run.pending_approval_ids.indexOf(a.id) - run.pending_approval_ids.indexOf(b.id);
  return found.filter((approval) => approval.data.decision === undefined).sort(inOrder);
}

export async function pendingQuestions(store: Store, run: RunRecord): Promise<Kept<"question">[]> {
  const ids = run.pending_question_ids.map((id) => questionRecordId(run.run_id, id));
  return (await readMany(store, "question", ids)).filter((question) => question.data.answer === undefined);
}

/** A run that ends takes its open requests with it: nobody may answer them any more. */
export async function closeRequests(store: Store, change: SessionChange, run: RunRecord): Promise<void> {
  for (const approval of await pendingApprovals(store, run)) {
    const decision = {
      behavior: "deny" as const,
      digest: "",
      decided_by: "daemon",
      decided_at_ms: change.now,
      cause: "run_ended" as const,
    };
    change.put("approval", approval.id, { ...approval.data, decision }, approval.revision);
  }
  for (const question of await pendingQuestions(store, run)) {
    const answer = {
      digest: "",
      declined: true,
      decided_by: "daemon",
      decided_at_ms: change.now,
      cause: "run_ended" as const,
    };
    change.put("question", question.id, { ...question.data, answer }, question.revision);
  }
}
