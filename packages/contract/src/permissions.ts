import { z } from "zod";
import { PermissionScope } from "./approvals.ts";
import { Millis } from "./json.ts";
import { ChosenId, QueryNumber } from "./pagination.ts";
import { RuleMatch, ToolNamePattern } from "./permission-match.ts";
import { PermissionMode } from "./runtime-settings.ts";
import { PermissionAudit } from "./sessions.ts";

export const CheckPermissionRequest = z
  .strictObject({
    tool_name: z.string().min(1),
    tool_call_id: z.string().min(1).nullish(),
    session_id: z.string().nullish().describe("the daemon-wide rules, when left out"),
    input: z.json().optional(),
    mode_override: PermissionMode.nullish(),
  })
  .meta({ id: "CheckPermissionRequest" });

export const PermissionMatrixRequest = z
  .strictObject({ session_id: z.string().nullish() })
  .meta({ id: "PermissionMatrixRequest" });

const decision = z.enum(["allow", "ask", "deny"]);

/** What rules see of a call's input (03-A7). */
export const SeenInput = z
  .object({
    commands: z
      .array(
        z.object({
          argv: z.array(z.string()),
          unknown: z.array(z.int()).optional().describe("places of the words that only the shell will know"),
        }),
      )
      .optional(),
    redirects: z.array(z.string()).optional().describe("files that the command opens, as it names them"),
    paths: z.array(z.string()).optional().describe("relative to the workspace, where they are in it"),
    hosts: z.array(z.string()).optional(),
    unparsable: z
      .string()
      .optional()
      .describe(
        "why nobody can say what would run: no `allow` with a match fits, every `deny` and `ask` does",
      ),
  })
  .meta({ id: "SeenInput" });
export type SeenInput = z.infer<typeof SeenInput>;

/** What would become of a call, without anything happening (03-R27). */
export const PermissionExplanation = z
  .object({
    tool_call_id: z.string(),
    tool_name: z.string(),
    tool_known: z.literal(false).optional().describe("the daemon has no tool of this name now"),
    effective_mode: PermissionMode,
    decision,
    base_decision: decision.optional().describe("before the mode had its say"),
    mode_applied: z.boolean().optional().describe("the mode changed or confirmed the decision"),
    mode_effect: z.string().optional(),
    approval_required: z.boolean(),
    hooks_evaluated: z.literal(false),
    hook_policy: z.literal("not_executed_in_dry_run"),
    scope: z.string(),
    reason: z.string().optional(),
    matched_rule: z.string().optional(),
    matched_rule_id: z.string().optional().describe("of a rule that somebody made; the defaults have none"),
    matched_rule_origin: z.string().optional(),
    required_approvals: z.int().optional().describe("how many people have to allow it, where not one"),
    seen: SeenInput.optional(),
    audit_preview: PermissionAudit,
  })
  .meta({ id: "PermissionExplanation" });
export type PermissionExplanation = z.infer<typeof PermissionExplanation>;

export const PermissionMatrix = z
  .object({
    modes: z.array(z.object({ mode: PermissionMode, tools: z.array(PermissionExplanation) })),
  })
  .meta({ id: "PermissionMatrix" });
export type PermissionMatrix = z.infer<typeof PermissionMatrix>;

/** Where rules stand; the first of session, project and user that has a matching one decides (03-R20). */
const DaemonRuleScope = PermissionScope.extract(["user", "project"]);

const definition = {
  tool_name_pattern: ToolNamePattern,
  match: RuleMatch.optional(),
  behavior: decision,
  reason: z.string().max(2_000).optional().describe("told to whoever is asked or denied"),
  required_approvals: z
    .int()
    .min(1)
    .max(5)
    .optional()
    .describe("of an `ask`: how many different principals have to allow it; default 1"),
  expires_at_ms: Millis.optional().describe("the rule ends by itself then"),
};
const expectedRevision = z
  .int()
  .nonnegative()
  .optional()
  .describe("refused when the rule is at another; 0: there must be none yet");
const ruleId = ChosenId.optional().describe("default: one that is free");

export const SetPermissionRuleRequest = z
  .strictObject({
    scope: DaemonRuleScope.default("user"),
    ...definition,
    expected_revision: expectedRevision,
  })
  .meta({ id: "SetPermissionRuleRequest" });
export type SetPermissionRuleRequest = z.infer<typeof SetPermissionRuleRequest>;

export const CreatePermissionRuleRequest = z
  .strictObject({ rule_id: ruleId, scope: DaemonRuleScope.default("user"), ...definition })
  .meta({ id: "CreatePermissionRuleRequest" });
export type CreatePermissionRuleRequest = z.infer<typeof CreatePermissionRuleRequest>;

export const SetSessionRuleRequest = z
  .strictObject({
    scope: z.literal("session").default("session"),
    ...definition,
    expected_revision: expectedRevision,
  })
  .meta({ id: "SetSessionRuleRequest" });
export type SetSessionRuleRequest = z.infer<typeof SetSessionRuleRequest>;

export const CreateSessionRuleRequest = z
  .strictObject({ rule_id: ruleId, scope: z.literal("session").default("session"), ...definition })
  .meta({ id: "CreateSessionRuleRequest" });
export type CreateSessionRuleRequest = z.infer<typeof CreateSessionRuleRequest>;

export const DeleteRuleQuery = z.object({ expected_revision: QueryNumber.optional() });

/** A rule that somebody made, or that came with somebody's answer (03-A5, 03-A7). */
export const PermissionRule = z
  .object({
    rule_id: z.string(),
    scope: PermissionScope.extract(["user", "project", "session"]),
    session_id: z.string().optional(),
    run_id: z.string().optional().describe("it holds for this run only"),
    tool_name_pattern: z.string(),
    match: RuleMatch.optional(),
    input_digest: z
      .string()
      .optional()
      .describe("it holds for this input only: SHA-256 of its canonical JSON (RFC 8785)"),
    behavior: decision,
    reason: z.string().optional(),
    required_approvals: z.int().optional(),
    expires_at_ms: Millis.optional(),
    origin: z.enum(["operator", "remembered"]).describe("remembered: it answers what would be asked again"),
    approval_request_id: z.string().optional().describe("the approval that it came with"),
    approved_by: z.array(z.string()).optional().describe("who allowed what is remembered"),
    created_by: z.string(),
    created_at_ms: Millis,
    updated_by: z.string(),
    updated_at_ms: Millis,
    revision: z.int(),
  })
  .meta({ id: "PermissionRule" });
export type PermissionRule = z.infer<typeof PermissionRule>;

export const PermissionRuleList = z
  .object({ rules: z.array(PermissionRule) })
  .meta({ id: "PermissionRuleList" });
export type PermissionRuleList = z.infer<typeof PermissionRuleList>;

export const PermissionRuleDeleted = z.object({ accepted: z.literal(true) });
