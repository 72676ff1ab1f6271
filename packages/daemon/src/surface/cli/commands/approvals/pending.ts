import type { RunView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { CliError } from "../../errors.ts";
import { ExitCode } from "../../exit-codes.ts";
import type { PendingApproval } from "../../views/approval.ts";
import { everyPage } from "../every-page.ts";

/** The runs that wait for approvals. Filtered here too: an older daemon ignores the status filter. */
export async function waitingRuns(client: DaemonClient, sessionId: string | undefined): Promise<RunView[]> {
  const runs = await everyPage<RunView>((page) =>
    client.call("listRuns", { query: { ...page, status: "waiting_for_approval", session_id: sessionId } }),
  );
  return runs.filter((run) => run.status === "waiting_for_approval");
}

export async function pendingApprovals(
  client: DaemonClient,
  sessionId: string | undefined,
): Promise<PendingApproval[]> {
  return (await waitingRuns(client, sessionId)).flatMap(approvalsOf);
}

export function approvalsOf(run: RunView): PendingApproval[] {
  return (run.pending_approvals ?? []).map((approval) => ({
    run_id: run.run_id,
    session_id: run.session_id,
    ...approval,
  }));
}

export async function findApproval(
  client: DaemonClient,
  requestId: string,
  sessionId: string | undefined,
): Promise<PendingApproval> {
  const found = (await pendingApprovals(client, sessionId)).find(({ id }) => id === requestId);
  if (found === undefined) throw new CliError(`no approval '${requestId}' is pending`, ExitCode.notFound);
  return found;
}
