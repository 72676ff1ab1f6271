import type { RecordedEvent } from "../events.ts";
import type { StandingRule } from "../ports.ts";
import { permissionRuleId, type RunRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";

/**
 * The rules of one session. They stand in its journal, and whoever drives the session folds them with the rest of it:
 * a call is judged without reading anything, and never by rules that its own commit does not follow upon. Their records
 * are what clients list and revise; both are written in one commit.
 */

type RuleEvent = Extract<RecordedEvent, { type: "permission_rule_set" | "permission_rule_removed" }>;

/** A rule that is replaced keeps its place: of equal ones the earliest decides (03-R20). */
export function rulesAfter(rules: readonly StandingRule[], event: RuleEvent): readonly StandingRule[] {
  if (event.type === "permission_rule_removed") {
    return rules.filter(({ rule_id }) => rule_id !== event.data.rule_id);
  }
  const { rule } = event.data;
  const known = rules.findIndex(({ rule_id }) => rule_id === rule.rule_id);
  return known === -1 ? [...rules, rule] : rules.with(known, rule);
}

/** What was remembered for a run ends with it. */
export function withoutRun(rules: readonly StandingRule[], runId: string): readonly StandingRule[] {
  return rules.some(({ run_id }) => run_id === runId)
    ? rules.filter(({ run_id }) => run_id !== runId)
    : rules;
}

/** Removes the records of the rules that end with a run, in the commit that ends it. */
export function dropRunRules(
  change: SessionChange,
  rules: readonly StandingRule[],
  { run_id: runId }: Pick<RunRecord, "run_id">,
): void {
  for (const rule of rules) {
    if (rule.run_id === runId)
      change.add({ op: "delete", kind: "permission_rule", id: permissionRuleId(rule) });
  }
}
