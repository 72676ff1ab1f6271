import type { ApprovalRequest, RunView, UserQuestionRequest } from "@kheish/sdk";

/** One thing that waits for a human. */
export type Item =
  | { kind: "approval"; id: string; run: RunView; request: ApprovalRequest }
  | { kind: "question"; id: string; run: RunView; request: UserQuestionRequest };

/** All that waits, by runs in the order in which they have waited. */
export function itemsOf(runs: readonly RunView[]): Item[] {
  return runs.flatMap((run) => [
    ...(run.pending_approvals ?? []).map(
      (request): Item => ({
        kind: "approval",
        id: `${run.run_id} ${request.id}`,
        run,
        request,
      }),
    ),
    ...(run.pending_questions ?? []).map(
      (request): Item => ({
        kind: "question",
        id: `${run.run_id} ${request.id}`,
        run,
        request,
      }),
    ),
  ]);
}

export function nameOf(item: Item): string {
  return item.kind === "approval" ? item.request.tool_name : "question";
}
