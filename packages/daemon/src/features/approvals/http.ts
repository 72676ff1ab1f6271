import { type CommandDeps, resolveApprovals, runOfApprovals } from "../../engine/index.ts";
import { type Binding, bind, callerOf, ok, param } from "../binding.ts";
import type { RunService } from "../runs/index.ts";
import type { SessionService } from "../sessions/index.ts";

/** Three doors to one decision: by run, by session, and by session waiting for what follows. */
export function approvalBindings(deps: CommandDeps, runs: RunService, sessions: SessionService): Binding[] {
  return [
    bind("resolveRunApprovals", async (request) => {
      const runId = param(request, "run_id");
      await resolveApprovals(deps, runId, request.body, callerOf(request));
      return ok(await runs.get(runId), 202);
    }),
    bind("resolveSessionApprovalRuns", async (request) => {
      const runId = await runOfApprovals(deps, param(request, "session_id"), request.body.resolutions);
      await resolveApprovals(deps, runId, request.body, callerOf(request));
      return ok(await runs.get(runId), 202);
    }),
    bind("resolveSessionApprovals", async (request) => {
      const runId = await runOfApprovals(deps, param(request, "session_id"), request.body.resolutions);
      await resolveApprovals(deps, runId, request.body, callerOf(request));
      return ok(await sessions.settled(runId, request.signal));
    }),
  ];
}
