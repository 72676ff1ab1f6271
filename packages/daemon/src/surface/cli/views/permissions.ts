import type { PermissionExplanation, PermissionMatrix } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Colors, Style } from "../output/output.ts";
import { table } from "../output/table.ts";

export function explanationDetail(one: PermissionExplanation, style: Style): string {
  return fields(
    [
      ["tool", one.tool_name],
      ["note", one.tool_known === false ? "the daemon has no tool of this name now" : undefined],
      ["decision", one.decision],
      ["reason", one.reason],
      ["mode", one.effective_mode],
      ["before the mode", one.base_decision],
      ["rule", one.matched_rule && ruleText(one)],
      ["needs", one.required_approvals && `${one.required_approvals} people`],
      ...seenFacts(one.seen),
      ["hooks", "not executed"],
    ],
    style,
  );
}

function ruleText({ matched_rule, matched_rule_id, scope }: PermissionExplanation): string {
  return `${matched_rule} (${[scope, matched_rule_id].filter(Boolean).join(", ")})`;
}

/** What rules see of the input: each command on a line of its own. */
function seenFacts(seen: PermissionExplanation["seen"]): [string, string | undefined][] {
  const commands = (seen?.commands ?? []).map(({ argv }): [string, string] => [
    "runs",
    argv.map(quoted).join(" "),
  ]);
  return [
    ...commands,
    ["opens", seen?.redirects?.join(", ")],
    ["paths", seen?.paths?.join(", ")],
    ["hosts", seen?.hosts?.join(", ")],
    ["unclear", seen?.unparsable],
  ];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`;
}

/** One line a tool, one column a mode. */
export function permissionTable({ modes }: PermissionMatrix, style: Style): string {
  const names = modes[0]?.tools.map(({ tool_name }) => tool_name) ?? [];
  const decided = (name: string, mode: (typeof modes)[number]) =>
    mode.tools.find(({ tool_name }) => tool_name === name)?.decision;
  return table(
    names,
    [
      { title: "TOOL", value: (name) => name, keep: true },
      ...modes.map((mode) => ({
        title: mode.mode.toUpperCase(),
        value: (name: string) => decided(name, mode),
        paint: (text: string, name: string, colors: Colors) => painted(text, decided(name, mode), colors),
      })),
    ],
    style,
  );
}

function painted(text: string, decision: PermissionExplanation["decision"] | undefined, colors: Colors) {
  if (decision === "allow") return colors.green(text);
  return decision === "deny" ? colors.red(text) : colors.yellow(text);
}
