import type { ApprovalResolution } from "@kheish/contract";
import { escalated } from "../permissions/escalation.ts";
import { type ApprovalRecord, readMany } from "../records.ts";
import { applyResolutions } from "./apply-resolutions.ts";
import { endRun } from "./end-run.ts";
import type { TooEarly } from "./too-early.ts";
import { type CommandDeps, requireRun, transact } from "./transact.ts";

/** What a run asked to have extended is to be had without anybody's answer: it goes on. False: it still waits. */
export async function passApproval(
  deps: CommandDeps,
  approvalId: string,
  whyNow: (approval: ApprovalRecord, nowMs: number) => Promise<string | undefined>,
): Promise<boolean> {
  const [known] = await readMany(deps.store, "approval", [approvalId]);
  if (known === undefined) return true;
  return transact(deps, known.data.session_id, async (change) => {
    const [approval] = await readMany(deps.store, "approval", [approvalId]);
    if (approval === undefined || approval.data.decision !== undefined) return true;
    const reason = await whyNow(approval.data, change.now);
    if (reason === undefined) return false;
    const run = await requireRun(deps.store, approval.data.run_id);
    const resolution: ApprovalResolution = { request_id: approvalId, behavior: "allow", reason };
    await applyResolutions(deps.store, change, run, [{ approval, resolution }], {
      decided_by: "daemon",
      cause: "room",
    });
    return true;
  });
}

/** A deadline that passed: escalates, denies, or cancels the run, as the request said (01-A10). */
export async function expireApproval(deps: CommandDeps, approvalId: string): Promise<TooEarly | undefined> {
  const [known] = await readMany(deps.store, "approval", [approvalId]);
  if (known === undefined) return undefined;
  const end = await transact(deps, known.data.session_id, async (change, session) => {
    const [approval] = await readMany(deps.store, "approval", [approvalId]);
    const deadline = approval?.data.request.expires_at_ms;
    if (approval === undefined || approval.data.decision !== undefined) return undefined;
    if (deadline === undefined) return undefined;
    if (deadline > change.now) return { dueAtMs: deadline };
    const run = await requireRun(deps.store, approval.data.run_id);
    const reason = `approval '${approvalId}' was not answered before ${new Date(deadline).toISOString()}`;
    const raised = escalated(approval, session, deps.approvalTimeoutMs, change.now);
    if (raised !== undefined) {
      change.put("approval", approval.id, raised.record, approval.revision);
      change.emit("approval_escalated", {
        run_id: run.id,
        request_id: approvalId,
        expires_at_ms: raised.dueAtMs,
        pending: run.data.pending_approval_ids,
      });
      return { dueAtMs: raised.dueAtMs };
    }
    if (approval.data.request.on_timeout === "cancel") {
      await endRun(deps, change, session, run, "cancelled", reason);
      return "cancelled";
    }
    const resolution: ApprovalResolution = { request_id: approvalId, behavior: "deny", reason };
    await applyResolutions(deps.store, change, run, [{ approval, resolution }], {
      decided_by: "daemon",
      cause: "timeout",
    });
    return undefined;
  });
  if (end !== "cancelled") return end;
  deps.abortRun(known.data.run_id, "cancelled");
  return undefined;
}
