import type { PermissionMode } from "@kheish/contract";
import type { Command } from "commander";
import { z } from "zod";
import type { Cli } from "../../cli.ts";
import { readJsonPair } from "../../flags/json-pair.ts";
import { permissionMode, permissionModeNames } from "../../flags/permission-mode.ts";
import { explanationDetail, permissionTable } from "../../views/permissions.ts";
import { defineRules } from "./permission-rules.ts";

interface CheckFlags {
  inputJson: string;
  sessionId?: string;
  toolCallId?: string;
  mode?: PermissionMode;
}

export function definePermissions(runtime: Command, cli: Cli): void {
  const permissions = runtime
    .command("permissions")
    .description("What would become of tool calls, and by which rules");

  permissions
    .command("check <tool_name>")
    .description("Ask what would become of one call; nothing happens")
    .option("--input-json <json>", "the call's input", "{}")
    .option("--session-id <id>", "in this session")
    .option("--tool-call-id <id>", "the id that the answer names")
    .option("--mode <mode>", `under ${permissionModeNames.join(", ")}`, permissionMode)
    .action(async (tool_name: string, flags: CheckFlags) => {
      const source = { json: flags.inputJson, file: undefined };
      const input = await readJsonPair(source, z.json(), "input", cli.context);
      const body = {
        tool_name,
        input,
        session_id: flags.sessionId,
        tool_call_id: flags.toolCallId,
        mode_override: flags.mode,
      };
      const client = await cli.client();
      cli.output.print(await client.call("checkPermission", { body }), explanationDetail);
    });

  permissions
    .command("matrix")
    .description("Every tool under every mode")
    .option("--session-id <id>", "in this session")
    .action(async ({ sessionId }: { sessionId?: string }) => {
      const client = await cli.client();
      const body = { session_id: sessionId };
      cli.output.print(await client.call("permissionMatrix", { body }), permissionTable);
    });

  defineRules(permissions, cli);
}
