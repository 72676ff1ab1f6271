import { encodeSegment } from "@kheish/contract";
import { type CommandDeps, resolveApprovals, runOfApprovals } from "../../engine/index.ts";
import { grantsResource } from "../../governance/access/grant.ts";
import { type Binding, bind, callerOf, ok, type Principal, param } from "../binding.ts";
import type { RunService } from "../runs/index.ts";
import type { SessionService } from "../sessions/index.ts";

/** Who decides, and what they may do beyond it: extend the budgets and have remembered what they could set themselves. */
function deciderOf(request: { principal: Principal; idempotencyKey?: string }) {
  const { grant } = request.principal;
  const mayAdmin = (resource: string) =>
    grant === undefined || (grant.verbs.includes("admin") && grantsResource(grant, [resource]));
  return {
    ...callerOf(request),
    mayExtend: (budgetId: string) => mayAdmin(`runtime/budgets/${encodeSegment(budgetId)}`),
    mayRule: (sessionId: string) => mayAdmin(`sessions/${encodeSegment(sessionId)}/permissions/rules`),
    ...(grant?.expiresAtMs === undefined ? {} : { expiresAtMs: grant.expiresAtMs }),
  };
}

/** Three doors to one decision: by run, by session, and by session waiting for what follows. */
export function approvalBindings(deps: CommandDeps, runs: RunService, sessions: SessionService): Binding[] {
  return [
    bind("resolveRunApprovals", async (request) => {
      const runId = param(request, "run_id");
      await resolveApprovals(deps, runId, request.body, deciderOf(request));
      return ok(await runs.get(runId), 202);
    }),
    bind("resolveSessionApprovalRuns", async (request) => {
      const runId = await runOfApprovals(deps, param(request, "session_id"), request.body.resolutions);
      await resolveApprovals(deps, runId, request.body, deciderOf(request));
      return ok(await runs.get(runId), 202);
    }),
    bind("resolveSessionApprovals", async (request) => {
      const runId = await runOfApprovals(deps, param(request, "session_id"), request.body.resolutions);
      await resolveApprovals(deps, runId, request.body, deciderOf(request));
      return ok(await sessions.settled(runId, request.signal));
    }),
  ];
}
