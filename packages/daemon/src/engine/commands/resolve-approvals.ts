import { type ApprovalResolution, problem, type ResolveApprovalsRequest } from "@kheish/contract";
import { checkExtension } from "../budgets/ask.ts";
import { type Decider, isRemembered, remembered } from "../permissions/remember.ts";
import { isEnough, refuseUnlessRaised, voteOf } from "../permissions/votes.ts";
import type { ApprovalDecision, Kept, PermissionRuleRecord, RunRecord } from "../records.ts";
import { readMany } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { applyResolutions, decisionDigest, type Resolved } from "./apply-resolutions.ts";
import { earlier, idempotencyKeyOf, receiptOf, remember } from "./idempotency.ts";
import { keepSessionRule, newRuleId, refuseMoreIn } from "./permission-rules.ts";
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
      await applyResolutions(deps.store, change, run, decided, {
        decided_by: caller.principal,
        cause: "answer",
      });
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
  fresh: readonly Resolved[],
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
  fresh: readonly Resolved[],
  decided: readonly Resolved[],
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

/** The resolutions that still decide something; throws where the batch contradicts what is stored (01-A1). */
async function undecided(
  deps: CommandDeps,
  session: Kept<"session">,
  run: Kept<"run">,
  resolutions: readonly ApprovalResolution[],
): Promise<Resolved[]> {
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
  const fresh: Resolved[] = [];
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
