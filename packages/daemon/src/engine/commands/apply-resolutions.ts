import type { ApprovalResolution, Json } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { extendBudget } from "../budgets/ask.ts";
import { auditDecision } from "../external-actions.ts";
import { digest } from "../ledger.ts";
import { isRemembered } from "../permissions/remember.ts";
import type { ApprovalDecision, Kept } from "../records.ts";
import { pendingApprovals } from "../requests.ts";
import type { SessionChange } from "../session-change.ts";
import { resumeRun } from "../transitions.ts";

/** An approval with what was decided about it. */
export interface Resolved {
  approval: Kept<"approval">;
  resolution: ApprovalResolution;
}

/** Two resolutions with one digest decide the same. */
export function decisionDigest(resolution: ApprovalResolution): string {
  const { behavior, updated_input, reason, remember: kept } = resolution;
  const lasting = kept !== undefined && isRemembered(resolution) ? [kept as Json] : [];
  return digest([behavior, updated_input ?? null, reason ?? null, ...lasting]);
}

/** Writes decisions; when none is left open the run goes on (03-R31). */
export async function applyResolutions(
  store: Store,
  change: SessionChange,
  run: Kept<"run">,
  resolved: readonly Resolved[],
  by: Pick<ApprovalDecision, "decided_by" | "cause">,
): Promise<void> {
  const decided = new Set(resolved.map(({ approval }) => approval.id));
  const left = (await pendingApprovals(store, run.data)).filter((approval) => !decided.has(approval.id));
  change.emit("approval_resolved", {
    run_id: run.id,
    resolutions: resolved.map(({ resolution }) => resolution),
    decided_by: by.decided_by,
    pending: left.map((approval) => approval.id),
  });
  for (const { approval, resolution } of resolved) {
    const decision: ApprovalDecision = {
      behavior: resolution.behavior,
      digest: decisionDigest(resolution),
      decided_at_ms: change.now,
      ...by,
    };
    change.put("approval", approval.id, { ...approval.data, decision }, approval.revision);
    const { tool_call_id, tool_name } = approval.data.request;
    auditDecision(change, run.data, {
      tool_call_id,
      tool_name,
      digest: decision.digest,
      by: by.decided_by,
      behavior: decision.behavior,
    });
    if (approval.data.budget !== undefined) {
      const isAllowed = resolution.behavior === "allow" && by.cause === "answer";
      if (isAllowed) await extendBudget(store, change, approval, resolution, by.decided_by);
    } else if (resolution.behavior === "deny") {
      settleDenied(change, run.id, approval.data.request, resolution);
    }
  }
  if (left.length === 0) {
    resumeRun(change, run, "approval_resume");
    return;
  }
  const pending = left.map((approval) => approval.id);
  change.put(
    "run",
    run.id,
    { ...run.data, pending_approval_ids: pending, updated_at_ms: change.now },
    run.revision,
  );
  change.updateSession({ pending_approvals: pending.length });
}

function settleDenied(
  change: SessionChange,
  runId: string,
  request: { tool_call_id: string; tool_name: string },
  resolution: ApprovalResolution,
): void {
  const output: Json = {
    error: resolution.reason ?? "approval denied",
    denied: true,
    ...(resolution.justification === undefined ? {} : { justification: resolution.justification }),
  };
  change.emit("tool_call_finished", {
    run_id: runId,
    call_id: request.tool_call_id,
    result: { call_id: request.tool_call_id, tool_name: request.tool_name, output, is_error: true },
    ledger: "denied",
  });
}
