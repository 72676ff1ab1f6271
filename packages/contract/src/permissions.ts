import { z } from "zod";
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

/** What would become of a call, without anything happening (03-R27). */
export const PermissionExplanation = z
  .object({
    tool_call_id: z.string(),
    tool_name: z.string(),
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
    matched_rule_origin: z.string().optional(),
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
