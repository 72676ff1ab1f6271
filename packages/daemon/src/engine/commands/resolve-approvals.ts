import { type ApprovalResolution, type Json, problem, type ResolveApprovalsRequest } from "@kheish/contract";
import { checkExtension, extendBudget } from "../budgets/ask.ts";
import { auditDecision } from "../external-actions.ts";
import { digest } from "../ledger.ts";
import { escalated } from "../permissions/escalation.ts";
import { type Decider, isRemembered, remembered } from "../permissions/remember.ts";
import { isEnough, refuseUnlessRaised, voteOf } from "../permissions/votes.ts";
import type { ApprovalDecision, ApprovalRecord, Kept, PermissionRuleRecord, RunRecord } from "../records.ts";
import { readMany } from "../records.ts";
import { pendingApprovals } from "../requests.ts";
import type { SessionChange } from "../session-change.ts";
import { resumeRun } from "../transitions.ts";
import { endRun } from "./end-run.ts";
import { earlier, idempotencyKeyOf, receiptOf, remember } from "./idempotency.ts";
import { keepSessionRule, newRuleId, refuseMoreIn } from "./permission-rules.ts";
import type { TooEarly } from "./too-early.ts";
import { type CommandDeps, requireActive, requireRun, requireSession, transact } from "./transact.ts";

/**
 * Decides pending approvals of a run: all of the batch or nothing (03-R30). Each is decided at most once,
 * whoever answers from wherever: the decision is a guarded write, the second of two different ones is a 409 (01-A1).
 */
export async function resolveApprovals(
  deps: CommandDeps,
  runId: string,
  request: ResolveApprovalsRequest,
  caller: Decider & { headerKey?: string; mayExtend: (budgetId: string) => boolean },
): Promise<void> {
  const key = idempotencyKeyOf(caller.headerKey, request.idempotency_key);
  const { session_id: sessionId } = (await requireRun(deps.store, runId)).data;
  const receipt =
    key === undefined
      ? undefined
      : receiptOf({ space: "approvals", scope: runId, key, request: { resolutions: request.resolutions } });
  checkBatch(request.resolutions);
  await transact(deps, sessionId, async (change, session) => {
    if ((await earlier(deps.store, receipt)) !== undefined) return;
    const run = await requireRun(deps.store, runId);
    const fresh = await undecided(deps, session, run, request.resolutions);
    if (fresh.length === 0) return;
    for (const { approval, resolution } of fresh) {
      checkUpdatedInput(deps, approval, resolution);
      checkMayExtend(approval, resolution, caller.mayExtend);
      refuseUnlessRaised(approval, resolution, caller);
    }
    const rules = await rulesLeftBehind(deps, sessionId, fresh, caller, change.now);
    const decided = fresh.filter(({ approval, resolution }) => {
      return isEnough(approval, resolution, caller.principal, decisionDigest(resolution));
    });
    castVotes(change, run, fresh, decided, caller.principal);
    if (decided.length > 0) {
      await applyResolutions(deps, change, run, decided, { decided_by: caller.principal, cause: "answer" });
    }
    for (const { approval } of decided) {
      const rule = rules.get(approval.id);
      if (rule !== undefined) keepSessionRule(change, rule, 0);
    }
    if (!change.isEmpty) remember(change, receipt, { run_id: runId });
  });
}

/** What is to be remembered of each, checked before anything is decided. */
async function rulesLeftBehind(
  deps: CommandDeps,
  sessionId: string,
  fresh: readonly Fresh[],
  by: Decider,
  nowMs: number,
): Promise<Map<string, PermissionRuleRecord>> {
  const rules = new Map<string, PermissionRuleRecord>();
  if (!fresh.some(({ resolution }) => isRemembered(resolution))) return rules;
  await refuseMoreIn(deps, sessionId);
  for (const { approval, resolution } of fresh) {
    const rule = await remembered(deps, approval, resolution, by, nowMs);
    if (rule === undefined) continue;
    const order = await deps.store.reserveIds("permission_rule_order", 1);
    rules.set(approval.id, { ...rule, rule_id: await newRuleId(deps), order });
  }
  return rules;
}

/** Where one is not enough, who allows it is written down, and the run goes on waiting. */
function castVotes(
  change: SessionChange,
  run: Kept<"run">,
  fresh: readonly Fresh[],
  decided: readonly Fresh[],
  principal: string,
): void {
  const over = new Set(decided.map(({ approval }) => approval.id));
  const pending = run.data.pending_approval_ids.filter((id) => !over.has(id));
  for (const { approval, resolution } of fresh) {
    const vote = voteOf(approval, resolution, principal, decisionDigest(resolution), change.now);
    if (vote === undefined) continue;
    change.put("approval", approval.id, vote.record, approval.revision);
    change.emit("approval_voted", { run_id: run.id, ...vote.said, pending });
  }
}

/**
 * The run that a session-scoped resolution means: the one that asked, also when it has gone on or ended since,
 * so that whoever was too late hears what was decided (01-A1); else the active one.
 */
export async function runOfApprovals(
  deps: CommandDeps,
  sessionId: string,
  resolutions: readonly ApprovalResolution[],
): Promise<string> {
  await requireSession(deps.store, sessionId);
  const ids = resolutions.map((resolution) => resolution.request_id);
  const asked = (await readMany(deps.store, "approval", ids)).find(
    (one) => one.data.session_id === sessionId,
  );
  return asked?.data.run_id ?? activeRunOf(deps, sessionId);
}

/** The session's active run, for the session-scoped forms. */
export async function activeRunOf(deps: CommandDeps, sessionId: string): Promise<string> {
  const session = await requireSession(deps.store, sessionId);
  if (session.data.active_run_id === undefined) {
    throw problem("runs", "run_state_conflict", `session '${sessionId}' has no active run`);
  }
  return session.data.active_run_id;
}

function checkBatch(resolutions: readonly ApprovalResolution[]): void {
  if (resolutions.length === 0) {
    throw problem("approvals", "approval_batch_empty", "resolutions must name at least one request");
  }
  const ids = resolutions.map((resolution) => resolution.request_id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw problem(
      "approvals",
      "approval_duplicate_resolution",
      `request '${twice}' is resolved twice in one batch`,
    );
  }
}

interface Fresh {
  approval: Kept<"approval">;
  resolution: ApprovalResolution;
}

/** The resolutions that still decide something; throws where the batch contradicts what is stored (01-A1). */
async function undecided(
  deps: CommandDeps,
  session: Kept<"session">,
  run: Kept<"run">,
  resolutions: readonly ApprovalResolution[],
): Promise<Fresh[]> {
  const known = new Map(
    (
      await readMany(
        deps.store,
        "approval",
        resolutions.map((one) => one.request_id),
      )
    )
      .filter((approval) => approval.data.run_id === run.id)
      .map((approval) => [approval.id, approval]),
  );
  const fresh: Fresh[] = [];
  let unknown: string | undefined;
  for (const resolution of resolutions) {
    const approval = known.get(resolution.request_id);
    const decision = approval?.data.decision;
    if (approval === undefined) unknown ??= resolution.request_id;
    // Nobody decided what a run took with it when it ended: the run's state refuses.
    else if (decision === undefined || decision.cause === "run_ended") fresh.push({ approval, resolution });
    else refuseOtherDecision(decision, resolution);
  }
  if (unknown === undefined && fresh.length === 0) return [];
  requireWaiting(session, run.data);
  if (unknown !== undefined) {
    throw problem(
      "approvals",
      "approval_request_not_pending",
      `run '${run.id}' never asked for approval '${unknown}'`,
    );
  }
  return fresh;
}

function refuseOtherDecision(decision: ApprovalDecision, resolution: ApprovalResolution): void {
  if (decision.digest === decisionDigest(resolution)) return;
  throw problem(
    "approvals",
    "approval_state_conflict",
    `approval '${resolution.request_id}' was already decided (${decision.behavior}, ${decision.cause})`,
  );
}

function requireWaiting(session: Kept<"session">, run: RunRecord): void {
  requireActive(session, run);
  if (run.status !== "waiting_for_approval") {
    throw problem(
      "approvals",
      "approval_state_conflict",
      `run '${run.run_id}' is ${run.status}, not waiting for approval`,
    );
  }
}

/** An edited input must be one that the tool would take. */
function checkUpdatedInput(
  deps: CommandDeps,
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
): void {
  if (approval.data.budget !== undefined) checkExtension(resolution);
  if (resolution.behavior === "deny" || resolution.updated_input === undefined) return;
  const parsed = deps.tools.get(approval.data.request.tool_name)?.parse(resolution.updated_input);
  if (parsed?.ok !== false) return;
  throw problem(
    "approvals",
    "approval_input_invalid",
    `updated_input of '${resolution.request_id}' is not valid for ${approval.data.request.tool_name}: ${parsed.error}`,
  );
}

/** Who may decide about a session's calls may not for that reason decide what the whole daemon may use. */
function checkMayExtend(
  { data: { budget } }: Kept<"approval">,
  { request_id, behavior }: ApprovalResolution,
  mayExtend: (budgetId: string) => boolean,
): void {
  if (budget === undefined || behavior === "deny" || mayExtend(budget.account.budget_id)) return;
  throw problem(
    "auth",
    "insufficient_access",
    `allowing '${request_id}' extends budget '${budget.account.budget_id}', which needs admin on runtime/budgets/${budget.account.budget_id}`,
  );
}

export function decisionDigest(resolution: ApprovalResolution): string {
  const { behavior, updated_input, reason, remember: kept } = resolution;
  const lasting = kept !== undefined && isRemembered(resolution) ? [kept as Json] : [];
  return digest([behavior, updated_input ?? null, reason ?? null, ...lasting]);
}

/** Writes decisions; when none is left open the run goes on (03-R31). */
async function applyResolutions(
  deps: CommandDeps,
  change: SessionChange,
  run: Kept<"run">,
  fresh: readonly Fresh[],
  by: Pick<ApprovalDecision, "decided_by" | "cause">,
): Promise<void> {
  const decided = new Set(fresh.map(({ approval }) => approval.id));
  const left = (await pendingApprovals(deps.store, run.data)).filter((approval) => !decided.has(approval.id));
  change.emit("approval_resolved", {
    run_id: run.id,
    resolutions: fresh.map(({ resolution }) => resolution),
    decided_by: by.decided_by,
    pending: left.map((approval) => approval.id),
  });
  for (const { approval, resolution } of fresh) {
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
      if (isAllowed) await extendBudget(deps.store, change, approval, resolution, by.decided_by);
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
    await applyResolutions(deps, change, run, [{ approval, resolution }], {
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
    await applyResolutions(deps, change, run, [{ approval, resolution }], {
      decided_by: "daemon",
      cause: "timeout",
    });
    return undefined;
  });
  if (end !== "cancelled") return end;
  deps.abortRun(known.data.run_id, "cancelled");
  return undefined;
}
