import { z } from "zod";
import { Json, Millis } from "./json.ts";

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
    on_timeout: z.enum(["deny", "cancel"]).optional(),
    budget_id: z.string().optional().describe("the budget that would be extended; no tool call waits then"),
  })
  .meta({ id: "ApprovalRequest" });
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

export const ApprovalResolution = z
  .strictObject({
    request_id: z.string().min(1),
    behavior: z.enum(["allow", "deny"]),
    updated_input: Json.optional().describe("replaces the pending input"),
    justification: z.string().optional(),
    reason: z.string().optional().describe("deny reason; default 'approval denied'"),
  })
  .meta({ id: "ApprovalResolution" });
export type ApprovalResolution = z.infer<typeof ApprovalResolution>;

export const ResolveApprovalsRequest = z
  .strictObject({
    idempotency_key: z.string().optional(),
    resolutions: z.array(ApprovalResolution),
  })
  .meta({ id: "ResolveApprovalsRequest" });
export type ResolveApprovalsRequest = z.infer<typeof ResolveApprovalsRequest>;
