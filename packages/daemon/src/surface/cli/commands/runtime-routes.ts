import type { AddRouteRequest } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../cli.ts";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { readTextFile } from "../flags/named-file.ts";
import { repeated, wholeNumber } from "../flags/numbers.ts";
import { present } from "../present.ts";
import { reloadText, routeListText } from "../views/routes.ts";
import { runtimeDetail } from "../views/runtime.ts";

const CAPABILITIES = [
  "multimodal_input",
  "native_web_search",
  "image_generation",
  "image_edit",
  "audio_generation",
  "transcription",
] as const;
type Capability = (typeof CAPABILITIES)[number];

interface AddFlags {
  provider: string;
  model: string;
  apiKeyFromEnv?: string;
  apiKeyFromFile?: string;
  apiKeyStdin?: boolean;
  authRef?: string;
  apiBaseUrl?: string;
  modelSupport?: string;
  unauthenticated?: boolean;
  enable?: string[];
  disable?: string[];
  timeoutMs?: number;
  inactivityTimeoutMs?: number;
  expectedRevision?: number;
  reason?: string;
}

/** `runtime routes`: the routes of a running daemon (02-R38, 02-R39). */
export function defineRuntimeRoutes(runtime: Command, cli: Cli): void {
  const routes = runtime.command("routes").description("The model routes of the running daemon");
  defineList(routes, cli);
  defineAdd(routes, cli);
  defineRemove(routes, cli);
  defineReload(routes, cli);
}

function defineList(routes: Command, cli: Cli): void {
  routes
    .command("list")
    .description("Every route with its settings, prices and where it comes from")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listRoutes"), routeListText);
    });
}

function defineAdd(routes: Command, cli: Cli): void {
  routes
    .command("add <route_id>")
    .description("Add a route; it stays until it is removed, through restarts")
    .requiredOption(
      "--provider <driver>",
      "anthropic, google, openai, openrouter, xai, openai_compatible, simulator",
    )
    .requiredOption("--model <name>", "the model of runs that name none")
    .option("--api-key-from-env <name>", "variable of this shell with the key")
    .option("--api-key-from-file <path>", "file with the key")
    .option("--api-key-stdin", "read the key from standard input")
    .option("--auth-ref <slot>", "an existing secret slot, in place of a key")
    .option("--api-base-url <url>", "where the API is")
    .addOption(new Option("--model-support <which>", "models it takes").choices(["family", "any"]))
    .option("--unauthenticated", "declare that the server needs no key")
    .option("--enable <capability>", "what the server can do, repeatable", repeated)
    .option("--disable <capability>", "what runs may not ask of it, repeatable", repeated)
    .option("--timeout-ms <n>", "for one call as a whole", wholeNumber(1))
    .option("--inactivity-timeout-ms <n>", "between two pieces of an answer", wholeNumber(1))
    .option("--expected-revision <n>", "refuse when the added routes have changed since", wholeNumber(0))
    .option("--reason <text>", "why, for the journal")
    .action(async (routeId: string, flags: AddFlags) => {
      const body = await routeFrom(routeId, flags, cli.context);
      const client = await cli.client();
      cli.output.print(await client.call("addRoute", { body }), runtimeDetail);
    });
}

async function routeFrom(routeId: string, flags: AddFlags, context: CliContext): Promise<AddRouteRequest> {
  return {
    route_id: routeId,
    provider: flags.provider,
    model: flags.model,
    ...capabilities(flags),
    ...present({
      api_key: await keyFrom(flags, context),
      auth_ref: flags.authRef,
      base_url: flags.apiBaseUrl,
      model_support: flags.modelSupport,
      unauthenticated: flags.unauthenticated,
      timeout_ms: flags.timeoutMs,
      inactivity_timeout_ms: flags.inactivityTimeoutMs,
      expected_revision: flags.expectedRevision,
      reason: flags.reason,
    }),
  };
}

function capabilities({ enable = [], disable = [] }: AddFlags): Partial<Record<Capability, boolean>> {
  const said = [
    ...enable.map((name) => [name, true] as const),
    ...disable.map((name) => [name, false] as const),
  ];
  const unknown = said.find(([name]) => !CAPABILITIES.some((known) => known === name));
  if (unknown !== undefined) {
    throw new UsageError(`'${unknown[0]}' is no capability: use ${CAPABILITIES.join(", ")}`);
  }
  return Object.fromEntries(said);
}

/** A key never stands on the command line, where every process of the machine can read it. */
async function keyFrom(flags: AddFlags, context: CliContext): Promise<string | undefined> {
  const { apiKeyFromEnv, apiKeyFromFile, apiKeyStdin } = flags;
  const sources = [apiKeyFromEnv, apiKeyFromFile, apiKeyStdin].filter((source) => source !== undefined);
  if (sources.length === 0) return undefined;
  if (sources.length > 1) throw new UsageError("give one source for the key");
  const text =
    apiKeyFromEnv !== undefined
      ? (context.env[apiKeyFromEnv] ?? "")
      : apiKeyFromFile !== undefined
        ? await readTextFile(apiKeyFromFile, context)
        : await context.terminal.readInput();
  const key = apiKeyFromEnv === undefined ? text.replace(/\r?\n$/, "") : text;
  if (key.trim() === "") throw new UsageError("the key is empty");
  return key;
}

function defineRemove(routes: Command, cli: Cli): void {
  routes
    .command("remove <route_id>")
    .description("Remove a route that was added; runs that are pinned to it fail")
    .option("--expected-revision <n>", "refuse when the added routes have changed since", wholeNumber(0))
    .option("--reason <text>", "why, for the journal")
    .action(async (routeId: string, flags: { expectedRevision?: number; reason?: string }) => {
      const client = await cli.client();
      const query = present({ expected_revision: flags.expectedRevision?.toString(), reason: flags.reason });
      const view = await client.call("removeRoute", { params: { route_id: routeId }, query });
      cli.output.print(view, runtimeDetail);
    });
}

function defineReload(routes: Command, cli: Cli): void {
  routes
    .command("reload")
    .description("Read the routes file again, without a restart")
    .option("--dry-run", "only say what would change")
    .option("--reason <text>", "why, for the journal")
    .action(async (flags: { dryRun?: boolean; reason?: string }) => {
      const client = await cli.client();
      const body = { dry_run: flags.dryRun === true, ...present({ reason: flags.reason }) };
      cli.output.print(await client.call("reloadRoutes", { body }), reloadText);
    });
}
