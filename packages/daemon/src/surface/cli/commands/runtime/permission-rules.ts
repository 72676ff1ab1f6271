import { type PermissionRule, RuleMatch, type SetPermissionRuleRequest } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../../cli.ts";
import { UsageError } from "../../errors.ts";
import { durationMs } from "../../flags/duration.ts";
import { addJsonPair, readJsonPair } from "../../flags/json-pair.ts";
import { wholeNumber } from "../../flags/numbers.ts";
import { present } from "../../present.ts";
import { ruleDetail, ruleTable } from "../../views/permission-rules.ts";

interface Place {
  sessionId?: string;
}

interface Change extends Place {
  expectedRevision?: number;
}

interface Definition extends Change {
  scope?: "user" | "project";
  tool: string;
  behavior: PermissionRule["behavior"];
  command?: string[];
  path?: string[];
  host?: string[];
  matchJson?: string;
  matchFile?: string;
  reason?: string;
  requiredApprovals?: number;
  expiresIn?: number;
}

export function defineRules(permissions: Command, cli: Cli): void {
  const rules = permissions.command("rules").description("What may be called, has to be asked or is denied");
  defineList(rules, cli);
  defineAdd(rules, cli);
  defineSet(rules, cli);
  defineDelete(rules, cli);
}

const inSession = "a rule of this session alone";
const expected = "refuse when the rule has changed since";

function defineList(rules: Command, cli: Cli): void {
  rules
    .command("list")
    .description("The daemon's rules, or those of a session")
    .option("--session-id <id>", "those of this session, with what approvals made it remember")
    .action(async ({ sessionId }: Place) => {
      const client = await cli.client();
      const list =
        sessionId === undefined
          ? await client.call("listPermissionRules")
          : await client.call("listSessionRules", { params: { session_id: sessionId } });
      cli.output.print(list, ruleTable);
    });
}

function addDefinition(command: Command): Command {
  command
    .requiredOption("--tool <pattern>", "a tool's name, `prefix*`, or `*`")
    .addOption(
      new Option("--behavior <what>", "what becomes of calls that it fits")
        .choices(["allow", "ask", "deny"])
        .makeOptionMandatory(),
    )
    .addOption(new Option("--scope <scope>", "default user").choices(["user", "project"]))
    .option("--session-id <id>", inSession)
    .option("--command <words...>", "only commands of these words, such as 'git status **'")
    .option("--path <glob...>", "only these files, such as 'docs/**'")
    .option("--host <pattern...>", "only these hosts, such as '*.example.com'")
    .option("--reason <text>", "told to whoever is asked or denied")
    .option("--required-approvals <n>", "with ask: how many people have to allow it", wholeNumber(1))
    .option("--expires-in <duration>", "such as 90d, 12h, 30m; default never", durationMs);
  return addJsonPair(command, "match", "what the rule wants of the input, in place of the three above");
}

function defineAdd(rules: Command, cli: Cli): void {
  addDefinition(
    rules.command("add").description("Make a rule").option("--rule-id <id>", "default: one that is free"),
  ).action(async (flags: Definition & { ruleId?: string }) => {
    const definition = await definitionFrom(flags, cli);
    const body = { ...definition, ...present({ rule_id: flags.ruleId }) };
    const client = await cli.client();
    const rule =
      flags.sessionId === undefined
        ? await client.call("createPermissionRule", { body: { scope: flags.scope, ...body } })
        : await client.call("createSessionRule", { params: { session_id: flags.sessionId }, body });
    cli.output.print(rule, ruleDetail);
  });
}

function defineSet(rules: Command, cli: Cli): void {
  addDefinition(rules.command("set <rule_id>").description("Make a rule, in the place of the one of that id"))
    .option("--expected-revision <n>", `${expected}; 0: must not exist`, wholeNumber(0))
    .action(async (rule_id: string, flags: Definition) => {
      const definition = await definitionFrom(flags, cli);
      const body = { ...definition, ...present({ expected_revision: flags.expectedRevision }) };
      const client = await cli.client();
      const rule =
        flags.sessionId === undefined
          ? await client.call("setPermissionRule", {
              params: { rule_id },
              body: { scope: flags.scope, ...body },
            })
          : await client.call("setSessionRule", { params: { session_id: flags.sessionId, rule_id }, body });
      cli.output.print(rule, ruleDetail);
    });
}

function defineDelete(rules: Command, cli: Cli): void {
  rules
    .command("delete <rule_id>")
    .description("Remove a rule, or what an approval made a session remember")
    .option("--session-id <id>", inSession)
    .option("--expected-revision <n>", expected, wholeNumber(1))
    .action(async (rule_id: string, { sessionId, expectedRevision }: Change) => {
      const query = present({ expected_revision: expectedRevision?.toString() });
      const client = await cli.client();
      const done =
        sessionId === undefined
          ? await client.call("deletePermissionRule", { params: { rule_id }, query })
          : await client.call("deleteSessionRule", { params: { session_id: sessionId, rule_id }, query });
      cli.output.print(done, () => `Rule ${rule_id} is removed.`);
    });
}

async function definitionFrom(
  flags: Definition,
  { context }: Cli,
): Promise<Omit<SetPermissionRuleRequest, "scope" | "expected_revision">> {
  if (flags.sessionId !== undefined && flags.scope !== undefined)
    throw new UsageError("a rule of a session has no other scope: give --session-id or --scope");
  const source = { json: flags.matchJson, file: flags.matchFile };
  const whole = await readJsonPair(source, RuleMatch, "match", context);
  const parts = matchFrom(flags);
  if (whole !== undefined && parts !== undefined)
    throw new UsageError("give the match as JSON or by --command, --path and --host, not both");
  return {
    tool_name_pattern: flags.tool,
    behavior: flags.behavior,
    ...present({
      match: whole ?? parts,
      reason: flags.reason,
      required_approvals: flags.requiredApprovals,
      expires_at_ms: flags.expiresIn === undefined ? undefined : context.clock.now() + flags.expiresIn,
    }),
  };
}

/** The words of a command are told apart by spaces; a pattern that holds one needs the JSON form. */
function matchFrom({ command, path, host }: Definition): RuleMatch | undefined {
  const match = present({
    command: command?.map((words) => ({ argv: words.split(/\s+/).filter((word) => word !== "") })),
    path,
    host,
  });
  return Object.keys(match).length === 0 ? undefined : match;
}
