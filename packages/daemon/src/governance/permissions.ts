import type { PermissionAudit, PermissionScope, PermissionUpdate } from "@kheish/contract";
import type { ToolCall } from "../engine/messages.ts";
import type { AuthorityContext, AuthorityPort, Decision, StandingRule, Verdict } from "../engine/ports.ts";
import { type ModeEffect, underMode } from "./permission-modes.ts";
import { fits } from "./rules/match.ts";
import { type Seen, seenIn, seenView } from "./rules/seen.ts";

/** What somebody says about calls; of the built-in ones there is no more to know. */
export type PermissionRule = Pick<StandingRule, "tool_name_pattern" | "behavior"> &
  Partial<Omit<StandingRule, "scope" | "reason">> & { scope: PermissionScope; reason?: string | undefined };

const ASKED_BY_DEFAULT = [
  "bash",
  "write_file",
  "edit_file",
  "apply_patch",
  "mcp__*",
  "list_mcp_resources",
  "list_mcp_resource_templates",
  "read_mcp_resource",
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

/** The rules of 03-R19 to 03-R23, with operators' above the built-in ones, and rules that see a call's input (03-A7). */
export function createAuthority({
  defaults = DEFAULT_RULES,
}: {
  defaults?: readonly PermissionRule[];
} = {}): AuthorityPort {
  for (const { tool_name_pattern: pattern } of defaults)
    if (!isPattern(pattern)) throw new RangeError(`not a tool name pattern: '${pattern}'`);
  return {
    decide: (call, context) => decide(defaults, call, context),
    seen: (call, workspaceRoot) => seenView(seenIn(call, workspaceRoot)),
    covers: (rule, call, workspaceRoot) =>
      holdsFor({ ...rule, scope: "session" }, call, () => seenIn(call, workspaceRoot)),
  };
}

/** Whether this is a name with at most one `*`, at its end. */
export function isPattern(pattern: string): boolean {
  const star = pattern.indexOf("*");
  return pattern.length > 0 && (star < 0 || star === pattern.length - 1);
}

function decide(defaults: readonly PermissionRule[], call: ToolCall, context: AuthorityContext): Verdict {
  const { mode, updates = [] } = context;
  const seen = once(() => seenIn(call, context.workspaceRoot));
  const made = context.rules.filter(({ origin }) => origin !== "remembered");
  const asked = matchingRule([...updates, ...made, ...defaults], call, seen);
  const matched = (asked?.behavior === "ask" ? answerTo(asked, call, context, seen) : undefined) ?? asked;
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
    ...(matched === undefined ? {} : ruleInAudit(matched, updates)),
    ...(reason === undefined ? {} : { reason }),
  };
  const required = decision === "ask" ? matched?.required_approvals : undefined;
  const several = required === undefined || required === 1 ? {} : { required_approvals: required };
  return { decision, reason: reason ?? "", audit, ...several };
}

function ruleInAudit(rule: PermissionRule, updates: readonly PermissionUpdate[]): Partial<PermissionAudit> {
  const isUpdate = (updates as readonly PermissionRule[]).includes(rule);
  return {
    matched_rule_pattern: rule.tool_name_pattern,
    ...(rule.rule_id === undefined ? {} : { matched_rule_id: rule.rule_id }),
    matched_rule_origin: isUpdate ? "hook_update" : rule.origin === "remembered" ? "remembered" : "static",
  };
}

/** Taking an input apart is paid for only where a rule looks at it. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * The first scope with any match decides (03-R20). In it the most specific name; of those a rule that sees the input
 * before one that does not; of several that see it one that denies, then one that asks; and of equals the earliest.
 */
function matchingRule(
  rules: readonly PermissionRule[],
  call: ToolCall,
  seen: () => Seen,
): PermissionRule | undefined {
  for (const scope of SCOPE_ORDER) {
    const matching = rules.filter((rule) => rule.scope === scope && holdsFor(rule, call, seen));
    const [first, ...others] = matching;
    if (first === undefined) continue;
    return others.reduce((best, other) => (isBefore(other, best) ? other : best), first);
  }
  return undefined;
}

function holdsFor(
  { tool_name_pattern, match, behavior }: PermissionRule,
  call: ToolCall,
  seen: () => Seen,
): boolean {
  if (!matches(tool_name_pattern, call.name)) return false;
  return match === undefined || fits(match, seen(), behavior === "allow" ? "surely" : "possibly");
}

const STRICTEST = ["allow", "ask", "deny"];

function isBefore(one: PermissionRule, other: PermissionRule): boolean {
  const byName = specificity(one) - specificity(other);
  return byName > 0 || (byName === 0 && isStricter(one, other));
}

/** Of two rules for the same names. */
function isStricter(one: PermissionRule, other: PermissionRule): boolean {
  if (one.match === undefined || other.match === undefined)
    return one.match !== undefined && other.match === undefined;
  return STRICTEST.indexOf(one.behavior) > STRICTEST.indexOf(other.behavior);
}

/**
 * What somebody has answered before, where it would be asked again (03-A5): it outranks no `deny`, and a rule that wants
 * several people to allow a call is not content with what fewer have allowed.
 */
function answerTo(
  { required_approvals: required = 1 }: PermissionRule,
  call: ToolCall,
  { rules, inputDigest }: AuthorityContext,
  seen: () => Seen,
): PermissionRule | undefined {
  const digest = once(inputDigest);
  const answers = rules.filter(
    (rule) =>
      rule.origin === "remembered" &&
      holdsFor(rule, call, seen) &&
      (rule.input_digest === undefined || rule.input_digest === digest()) &&
      (rule.behavior !== "allow" || (rule.approved_by ?? []).length >= required),
  );
  return answers.find(({ behavior }) => behavior === "deny") ?? answers[0];
}

function matches(pattern: string, tool: string): boolean {
  return pattern.endsWith("*") ? tool.startsWith(pattern.slice(0, -1)) : tool === pattern;
}

/** An exact name beats every prefix, a longer prefix beats a shorter one, and `*` is the shortest. */
function specificity({ tool_name_pattern: pattern }: PermissionRule): number {
  return pattern.endsWith("*") ? pattern.length : Number.MAX_SAFE_INTEGER;
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
