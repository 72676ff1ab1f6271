import type { PermissionAudit, PermissionMode, PermissionScope, PermissionUpdate } from "@kheish/contract";
import type { ToolCall } from "../engine/messages.ts";
import type { AuthorityPort, Decision, Verdict } from "../engine/ports.ts";
import { type ModeEffect, underMode } from "./permission-modes.ts";

/** What an operator says about a tool. */
export interface PermissionRule {
  scope: PermissionScope;
  /** An exact name, `prefix*`, or `*`. */
  tool_name_pattern: string;
  behavior: Decision;
  /** Told to whoever is asked or denied. */
  reason?: string | undefined;
}

const ASKED_BY_DEFAULT = [
  "bash",
  "write_file",
  "edit_file",
  "apply_patch",
  "mcp__*",
  "list_mcp_resources",
  "list_mcp_resource_templates",
  "read_mcp_resource",
  "list_mcp_prompts",
  "get_mcp_prompt",
  "exit_plan_mode",
];

/** The built-in rules (03-R19), in a scope below every operator's, so that any rule of theirs outranks them. */
export const DEFAULT_RULES: readonly PermissionRule[] = [
  ...ASKED_BY_DEFAULT.map((pattern) => rule(pattern, "ask")),
  rule("*", "allow"),
];

function rule(pattern: string, behavior: Decision): PermissionRule {
  return { scope: "default", tool_name_pattern: pattern, behavior };
}

const SCOPE_ORDER: readonly PermissionScope[] = ["session", "project", "user", "default"];

export interface AuthorityOptions {
  /** The operator's rules; within a scope, earlier ones win a tie. */
  rules?: readonly PermissionRule[];
  defaults?: readonly PermissionRule[];
}

export function createAuthority(options: AuthorityOptions = {}): AuthorityPort {
  const rules = [...(options.rules ?? []), ...(options.defaults ?? DEFAULT_RULES)];
  for (const { tool_name_pattern: pattern } of rules)
    if (!isPattern(pattern)) throw new RangeError(`not a tool name pattern: '${pattern}'`);
  return {
    decide: (call, mode, updates = []) =>
      decide(updates.length === 0 ? rules : [...updates, ...rules], call, mode, updates),
  };
}

/** Whether this is a name with at most one `*`, at its end. */
export function isPattern(pattern: string): boolean {
  const star = pattern.indexOf("*");
  return pattern.length > 0 && (star < 0 || star === pattern.length - 1);
}

function decide(
  rules: readonly PermissionRule[],
  call: ToolCall,
  mode: PermissionMode,
  updates: readonly PermissionUpdate[],
): Verdict {
  const matched = matchingRule(rules, call.name);
  const base = matched?.behavior ?? "allow";
  const { decision, effect } = underMode(base, mode, call.name);
  const reason = reasonOf(decision, effect, matched);
  const audit: PermissionAudit = {
    scope: matched?.scope ?? "session",
    tool_name: call.name,
    tool_call_id: call.id,
    decision,
    base_decision: base,
    effective_mode: mode,
    ...(effect === undefined ? {} : { mode_effect: effect }),
    ...(matched === undefined
      ? {}
      : {
          matched_rule_pattern: matched.tool_name_pattern,
          matched_rule_origin: (updates as readonly PermissionRule[]).includes(matched)
            ? "hook_update"
            : "static",
        }),
    ...(reason === undefined ? {} : { reason }),
  };
  return { decision, reason: reason ?? "", audit };
}

/** The first scope with any match decides; in it the most specific pattern, and of equals the earliest (03-R20). */
function matchingRule(rules: readonly PermissionRule[], tool: string): PermissionRule | undefined {
  for (const scope of SCOPE_ORDER) {
    const matching = rules.filter((rule) => rule.scope === scope && matches(rule.tool_name_pattern, tool));
    const [first, ...others] = matching;
    if (first === undefined) continue;
    return others.reduce((best, other) => (specificity(other) > specificity(best) ? other : best), first);
  }
  return undefined;
}

function matches(pattern: string, tool: string): boolean {
  return pattern.endsWith("*") ? tool.startsWith(pattern.slice(0, -1)) : tool === pattern;
}

/** An exact name beats every prefix, a longer prefix beats a shorter one, and `*` is the shortest. */
function specificity({ tool_name_pattern: pattern }: PermissionRule): number {
  return pattern.endsWith("*") ? pattern.length : Number.POSITIVE_INFINITY;
}

function reasonOf(
  decision: Decision,
  effect: ModeEffect | undefined,
  matched: PermissionRule | undefined,
): string | undefined {
  if (effect === "plan_mode_denied_non_whitelisted_tool")
    return "plan mode allows only tools that read or coordinate";
  if (effect === "dont_ask_denied_approval")
    return "this needs an approval, and the permission mode dontAsk denies what would have to be asked";
  if (matched?.reason !== undefined) return matched.reason;
  if (decision === "ask") return "approval required";
  return decision === "deny" && matched !== undefined
    ? `denied by the ${matched.scope} rule '${matched.tool_name_pattern}'`
    : undefined;
}
