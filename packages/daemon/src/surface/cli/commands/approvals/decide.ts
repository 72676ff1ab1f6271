import type { RunView } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { DaemonClient } from "../../client/client.ts";
import { addDecisionFlags, type Behavior, type DecisionFlags, resolutionFrom } from "../../flags/decision.ts";
import { addRequestId, type RequestFlag, requestIdFrom } from "../request-id.ts";
import { printOrAwait } from "../settle.ts";
import { findApproval } from "./pending.ts";

interface Place {
  runId?: string;
  sessionId?: string;
}

type Flags = DecisionFlags & RequestFlag & Place;

const descriptions = { allow: "Let a tool call run", deny: "Refuse a tool call" };

export function defineDecide(approvals: Command, behavior: Behavior, cli: Cli): void {
  const command = addRequestId(approvals.command(behavior).description(descriptions[behavior]))
    .argument(
      "[request_id_in_session]",
      "with two arguments the first is the session, the second the request",
    )
    .option("--run-id <id>", "the run that waits")
    .option("--session-id <id>", "the session whose run waits");
  addDecisionFlags(command, behavior).action(
    async (first: string | undefined, second: string | undefined, flags: Flags) => {
      const requestId = requestIdFrom(second ?? first, flags);
      const sessionId = second === undefined ? flags.sessionId : first;
      const resolution = await resolutionFrom(behavior, requestId, flags, cli.context);
      const body = { resolutions: [resolution], idempotency_key: flags.idempotencyKey };
      const client = await cli.client();
      await printOrAwait(
        cli,
        client,
        await resolve(client, requestId, body, { ...flags, ...(sessionId && { sessionId }) }),
        flags,
      );
    },
  );
}

/** With a run or session named, the daemon is asked at once; otherwise the request is looked up first. */
async function resolve(
  client: DaemonClient,
  requestId: string,
  body: Parameters<typeof client.call<"resolveRunApprovals">>[1]["body"],
  { runId, sessionId }: Place,
): Promise<RunView> {
  if (runId === undefined && sessionId !== undefined) {
    return client.call("resolveSessionApprovalRuns", { params: { session_id: sessionId }, body });
  }
  const run = runId ?? (await findApproval(client, requestId, undefined)).run_id;
  return client.call("resolveRunApprovals", { params: { run_id: run }, body });
}
