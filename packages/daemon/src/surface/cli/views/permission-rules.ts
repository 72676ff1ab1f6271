import type { PermissionRule, PermissionRuleList, RuleMatch } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { age } from "../output/time.ts";

export function ruleTable({ rules }: PermissionRuleList, style: Style): string {
  if (rules.length === 0) return "No rules.";
  return table(
    rules,
    [
      { title: "RULE", value: (rule) => rule.rule_id, keep: true },
      { title: "SCOPE", value: scopeText },
      { title: "TOOL", value: (rule) => rule.tool_name_pattern },
      { title: "BEHAVIOR", value: behaviorText },
      { title: "MATCH", value: wantedText },
      { title: "ENDS", value: (rule) => rule.expires_at_ms && age(rule.expires_at_ms, style.now) },
      { title: "BY", value: (rule) => rule.updated_by },
    ],
    style,
  );
}

export function ruleDetail(rule: PermissionRule, style: Style): string {
  return fields(
    [
      ["rule", rule.rule_id],
      ["scope", scopeText(rule)],
      ["tool", rule.tool_name_pattern],
      ["behavior", behaviorText(rule)],
      ["match", wantedText(rule)],
      ["reason", rule.reason],
      ["remembered of", rule.approval_request_id],
      ["allowed by", rule.approved_by?.join(", ")],
      ["ends", rule.expires_at_ms && new Date(rule.expires_at_ms).toISOString()],
      ["revision", rule.revision],
      ["updated", `${age(rule.updated_at_ms, style.now)} by ${rule.updated_by}`],
    ],
    style,
  );
}

function scopeText({ scope, session_id, run_id }: PermissionRule): string {
  return run_id === undefined ? [scope, session_id].filter(Boolean).join(" ") : `run ${run_id}`;
}

function behaviorText({ behavior, required_approvals: people }: PermissionRule): string {
  return people === undefined || people === 1 ? behavior : `${behavior} ${people} people`;
}

function wantedText({ match, input_digest: digest }: PermissionRule): string | undefined {
  if (digest !== undefined) return `exactly ${digest.slice(0, 12)}`;
  return match && matchText(match);
}

function matchText({ command, path, host }: RuleMatch): string {
  return [
    ...(command ?? []).map(({ argv }) => argv.join(" ")),
    ...(path ?? []).map((glob) => `path ${glob}`),
    ...(host ?? []).map((pattern) => `host ${pattern}`),
  ].join("; ");
}
