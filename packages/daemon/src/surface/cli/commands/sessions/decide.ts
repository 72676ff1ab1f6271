import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { addDecisionFlags, type Behavior, type DecisionFlags, resolutionFrom } from "../../flags/decision.ts";
import { printOrAwait } from "../settle.ts";

/** `sessions approve` and `sessions deny`: decide for whichever run of the session waits. */
export function defineDecisions(sessions: Command, cli: Cli): void {
  const approve = sessions.command("approve <session_id> <request_id>").description("Allow a tool call");
  addDecisionFlags(approve, "allow").action(decideAs("allow", cli));
  const deny = sessions.command("deny <session_id> <request_id>").description("Refuse a tool call");
  addDecisionFlags(deny, "deny").action(decideAs("deny", cli));
}

function decideAs(behavior: Behavior, cli: Cli) {
  return async (sessionId: string, requestId: string, flags: DecisionFlags) => {
    const resolution = await resolutionFrom(behavior, requestId, flags, cli.context);
    const client = await cli.client();
    const run = await client.call("resolveSessionApprovalRuns", {
      params: { session_id: sessionId },
      body: { resolutions: [resolution], idempotency_key: flags.idempotencyKey },
    });
    await printOrAwait(cli, client, run, flags);
  };
}
