import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { approvalTable } from "../../views/approval.ts";
import { pendingApprovals } from "./pending.ts";

export function defineList(approvals: Command, cli: Cli): void {
  approvals
    .command("list")
    .description("Approvals that somebody has to decide about")
    .option("--session-id <id>", "approvals of one session")
    .action(async ({ sessionId }: { sessionId?: string }) => {
      cli.output.print(await pendingApprovals(await cli.client(), sessionId), approvalTable);
    });
}
