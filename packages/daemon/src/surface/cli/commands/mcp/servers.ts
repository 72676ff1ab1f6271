import { McpServerEntry } from "@kheish/contract";
import type { Command } from "commander";
import type { z } from "zod";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { repeated, wholeNumber } from "../../flags/numbers.ts";
import { plainFields } from "../../output/fields.ts";
import { present } from "../../present.ts";
import { reloadText, serverTable } from "../../views/mcp.ts";

interface AddFlags {
  url?: string;
  env?: string[];
  envSecret?: string[];
  bearerSecret?: string;
  enableTool?: string[];
  disableTool?: string[];
  toolTimeoutSec?: number;
  entryJson?: string;
  entryFile?: string;
  reason?: string;
}

/** A server gets as long as its startup timeout says. */
const TIMEOUT_MS = 120_000;

export function defineServers(mcp: Command, cli: Cli): void {
  const servers = mcp.command("servers").description("MCP servers of the running daemon");
  servers
    .command("list")
    .description("Every server, how it does and what it offers")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("getMcp"), serverTable);
    });
  defineAdd(servers, cli);
  servers
    .command("remove <name>")
    .description("Disconnect and forget a server that was added")
    .action(async (name: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("removeMcpServer", { params: { name } }), plainFields);
    });
  mcp
    .command("reload")
    .description("Read the MCP configuration again and connect to what is not connected")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("reloadMcp", { timeoutMs: TIMEOUT_MS }), reloadText);
    });
}

function defineAdd(servers: Command, cli: Cli): void {
  const add = servers
    .command("add <name> [command...]")
    .description("Connect to a server and keep it: a command after '--', or --url")
    .option("--url <url>", "a server over streamable HTTP")
    .option("--env <name=value>", "variable of its process, repeatable; no secrets", repeated)
    .option("--env-secret <name=slot>", "variable from a secret slot, repeatable", repeated)
    .option("--bearer-secret <slot>", "secret slot with the token of --url")
    .option("--enable-tool <name>", "only these tools, repeatable", repeated)
    .option("--disable-tool <name>", "all but these tools, repeatable", repeated)
    .option("--tool-timeout-sec <n>", "for one call", wholeNumber(1))
    .option("--reason <text>", "why, for the journal");
  addJsonPair(add, "entry", "the whole entry").action(
    async (name: string, command: string[], flags: AddFlags) => {
      const source = { json: flags.entryJson, file: flags.entryFile };
      const whole = await readJsonPair(source, McpServerEntry, "entry", cli.context);
      if (whole !== undefined && (command.length > 0 || flags.url !== undefined))
        throw new UsageError("give the whole entry, or a command or --url");
      const body = { name, config: whole ?? entryFrom(command, flags), ...present({ reason: flags.reason }) };
      const client = await cli.client();
      cli.output.print(await client.call("addMcpServer", { body, timeoutMs: TIMEOUT_MS }), serverTable);
    },
  );
}

function entryFrom(line: string[], flags: AddFlags): z.input<typeof McpServerEntry> {
  const [command, ...args] = line;
  if ((command === undefined) === (flags.url === undefined))
    throw new UsageError("give a command after '--', or --url");
  return {
    ...present({
      command,
      url: flags.url,
      bearer_token_secret_ref: flags.bearerSecret,
      enabled_tools: flags.enableTool,
      disabled_tools: flags.disableTool,
      tool_timeout_sec: flags.toolTimeoutSec,
    }),
    ...(command === undefined ? {} : { args }),
    ...(flags.env === undefined ? {} : { env: pairs(flags.env, "--env") }),
    ...(flags.envSecret === undefined ? {} : { env_secret_refs: pairs(flags.envSecret, "--env-secret") }),
  };
}

function pairs(texts: readonly string[], flag: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at <= 0) throw new UsageError(`${flag} takes name=value, not '${text}'`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
