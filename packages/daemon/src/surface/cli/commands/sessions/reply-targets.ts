import { ReplyTargetInput } from "@kheish/contract";
import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { sessionDetail } from "../../views/session.ts";

interface Flags {
  replyTargetsJson?: string;
  replyTargetsFile?: string;
}

export function defineReplyTargets(sessions: Command, cli: Cli): void {
  const set = sessions
    .command("set-reply-targets <session_id>")
    .description("Replace where the outputs of later runs go");
  addJsonPair(set, "reply-targets", "a list of reply targets").action(
    async (sessionId: string, flags: Flags) => {
      const source = { json: flags.replyTargetsJson, file: flags.replyTargetsFile };
      const schema = z.array(ReplyTargetInput);
      const targets = await readJsonPair(source, schema, "reply targets", cli.context);
      if (targets === undefined) {
        throw new UsageError("give --reply-targets-json or --reply-targets-file");
      }
      const client = await cli.client();
      const params = { session_id: sessionId };
      const session = await client.call("putReplyTargets", { params, body: { reply_targets: targets } });
      cli.output.print(session, sessionDetail);
    },
  );

  sessions
    .command("clear-reply-targets <session_id>")
    .description("Remove the session's reply targets")
    .action(async (sessionId: string) => {
      const client = await cli.client();
      const params = { session_id: sessionId };
      cli.output.print(await client.call("deleteReplyTargets", { params }), sessionDetail);
    });
}
