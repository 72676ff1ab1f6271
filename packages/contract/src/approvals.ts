import { z } from "zod";
import { Json, Millis } from "./json.ts";
import { IdempotencyKey } from "./pagination.ts";
import { RuleMatch, ToolNamePattern } from "./permission-match.ts";

export const PermissionScope = z.enum(["user", "project", "session", "default"]);
export type PermissionScope = z.infer<typeof PermissionScope>;

export const ApprovalRequest = z
  .object({
    id: z.string(),
    tool_call_id: z.string(),
    tool_name: z.string(),
    input: Json.describe("exactly what would run"),
    scope: z.string(),
    reason: z.string(),
    expires_at_ms: Millis.optional(),
    on_timeout: z.enum(["deny", "cancel", "escalate"]).optional(),
    required_approvals: z.int().optional().describe("how many people have to allow it; default 1"),
    approved_by: z.array(z.string()).optional().describe("who has allowed it, while more are needed"),
    escalated_at_ms: Millis.optional().describe(
      "its deadline passed: only who may change the session's rules may allow it now",
    ),
    budget_id: z.string().optional().describe("the budget that would be extended; no tool call waits then"),
  })
  .meta({ id: "ApprovalRequest" });
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** What becomes of the same question from now on (03-A5). */
export const Remember = z
  .strictObject({
    scope: z.enum(["once", "run", "session"]),
    match: z
      .enum(["exact", "pattern"])
      .default("exact")
      .describe("exact: the tool and the digest of its canonical input"),
    pattern: z
      .strictObject({ tool_name_pattern: ToolNamePattern.optional(), match: RuleMatch.optional() })
      .optional()
      .describe("with match `pattern`; the tool of the request where it names none"),
    expires_at_ms: Millis.optional(),
  })
  .meta({ id: "Remember" });
export type Remember = z.infer<typeof Remember>;

export const ApprovalResolution = z
  .strictObject({
    request_id: z.string().min(1),
    behavior: z.enum(["allow", "deny"]),
    updated_input: Json.optional().describe("replaces the pending input"),
    justification: z.string().optional(),
    reason: z.string().optional().describe("deny reason; default 'approval denied'"),
    remember: Remember.optional().describe("default: nothing is remembered"),
  })
  .meta({ id: "ApprovalResolution" });
export type ApprovalResolution = z.infer<typeof ApprovalResolution>;

export const ResolveApprovalsRequest = z
  .strictObject({
    idempotency_key: IdempotencyKey.optional(),
    resolutions: z.array(ApprovalResolution).meta({ minItems: 1 }),
  })
  .meta({ id: "ResolveApprovalsRequest" });
export type ResolveApprovalsRequest = z.infer<typeof ResolveApprovalsRequest>;
