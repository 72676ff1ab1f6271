import { JsonObject } from "@kheish/contract";
import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { readJsonPair } from "../../flags/json-pair.ts";
import { toolCallText } from "../../views/mcp.ts";

interface CallFlags {
  inputJson?: string;
  inputFile?: string;
  stdin?: boolean;
}

/** A server may take as long as its tool timeout says. */
const TIMEOUT_MS = 600_000;

export function defineTools(mcp: Command, cli: Cli): void {
  mcp
    .command("tools")
    .description("Tools of MCP servers")
    .command("call <tool_name>")
    .description("Call a loaded tool, as the operator")
    .option("--input-json <json>", "the input; default {}")
    .option("--input-file <path>", "the input, from a file")
    .option("--stdin", "the input, from standard input")
    .action(async (tool_name: string, flags: CallFlags) => {
      const { inputJson, inputFile, stdin } = flags;
      if ([inputJson, inputFile, stdin].filter((one) => one !== undefined).length > 1)
        throw new UsageError("give the input once: --input-json, --input-file or --stdin");
      const json = stdin === true ? await cli.context.terminal.readInput() : inputJson;
      const source = { json, file: inputFile };
      const input = (await readJsonPair(source, JsonObject, "input", cli.context)) ?? {};
      const client = await cli.client();
      const params = { tool_name };
      cli.output.print(
        await client.call("callMcpTool", { params, body: { input }, timeoutMs: TIMEOUT_MS }),
        toolCallText,
      );
    });
}
