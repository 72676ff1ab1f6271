import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { approvalDetail } from "../../views/approval.ts";
import { addRequestId, type RequestFlag, requestIdFrom } from "../request-id.ts";
import { findApproval } from "./pending.ts";

interface Flags extends RequestFlag {
  sessionId?: string;
}

export function defineShow(approvals: Command, cli: Cli): void {
  addRequestId(approvals.command("show").description("One approval, with exactly what would run"))
    .option("--session-id <id>", "look in one session only")
    .action(async (positional: string | undefined, flags: Flags) => {
      const id = requestIdFrom(positional, flags);
      cli.output.print(await findApproval(await cli.client(), id, flags.sessionId), approvalDetail);
    });
}
