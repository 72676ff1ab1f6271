import { type ApprovalResolution, type Problem, problem, type Remember } from "@kheish/contract";
import type { CommandDeps } from "../commands/transact.ts";
import { digest } from "../ledger.ts";
import { withInputs } from "../lookup.ts";
import type { ToolCall } from "../messages.ts";
import type { StandingRule } from "../ports.ts";
import type { Kept, PermissionRuleRecord } from "../records.ts";

/** What whoever decides may do beyond deciding; in what they have remembered they cannot go further. */
export interface Decider {
  principal: string;
  /** Whether they may change the rules of the session. */
  mayRule: (sessionId: string) => boolean;
  /** When what they may do ends; absent: it does not. */
  expiresAtMs?: number;
}

type RememberDeps = Pick<CommandDeps, "store" | "authority" | "workspaceRoot">;

/** Whether anything outlives this one decision (03-R32). */
export function isRemembered(resolution: ApprovalResolution): boolean {
  return resolution.remember !== undefined && resolution.remember.scope !== "once";
}

/**
 * The rule that an answer leaves behind (03-A5): what was asked here is answered likewise when it is asked again, by the
 * same tool with the same input, or by whatever fits the pattern. It answers what would be asked, and outranks no `deny`.
 * Undefined: nothing is to be remembered. Throws where the answer may not be given for more than this call.
 */
export async function remembered(
  deps: RememberDeps,
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
  by: Decider,
  nowMs: number,
): Promise<Omit<PermissionRuleRecord, "rule_id" | "order"> | undefined> {
  const { remember } = resolution;
  if (remember === undefined || !isRemembered(resolution)) return undefined;
  const { request, session_id, run_id } = approval.data;
  if (approval.data.budget !== undefined)
    throw invalid(request.id, "the extension of a budget is no tool call");
  const call = await callOf(deps, approval, resolution);
  const approvers = approversOf(approval, by.principal);
  const ends = endOf(request.id, remember, by, nowMs);
  return {
    scope: "session",
    session_id,
    ...(remember.scope === "run" ? { run_id } : {}),
    ...bound(deps, request.id, remember, resolution.behavior, call, by, session_id),
    behavior: resolution.behavior,
    ...(resolution.reason === undefined ? {} : { reason: resolution.reason }),
    ...(ends === undefined ? {} : { expires_at_ms: ends }),
    origin: "remembered",
    approval_request_id: request.id,
    ...(resolution.behavior === "allow" ? { approved_by: approvers } : {}),
    created_by: by.principal,
    created_at_ms: nowMs,
    updated_by: by.principal,
    updated_at_ms: nowMs,
  };
}

/** Whoever allowed it, this one included. */
export function approversOf({ data: { votes = [] } }: Kept<"approval">, principal: string): string[] {
  return [...new Set([...votes.map(({ by }) => by), principal])];
}

/** The call as it will run. */
async function callOf(
  { store }: RememberDeps,
  { data: { request, session_id, message_seq } }: Kept<"approval">,
  { updated_input }: ApprovalResolution,
): Promise<ToolCall> {
  const [asked] = await withInputs(store, session_id, message_seq, [request]);
  return { id: request.tool_call_id, name: request.tool_name, input: updated_input ?? asked?.input ?? null };
}

function bound(
  { authority, workspaceRoot }: RememberDeps,
  requestId: string,
  { match, pattern }: Remember,
  behavior: "allow" | "deny",
  call: ToolCall,
  by: Decider,
  sessionId: string,
): Pick<StandingRule, "tool_name_pattern" | "match" | "input_digest"> {
  if (match === "exact") {
    if (pattern !== undefined) throw invalid(requestId, "a pattern belongs to match 'pattern'");
    return { tool_name_pattern: call.name, input_digest: digest(call.input) };
  }
  if (pattern === undefined) throw invalid(requestId, "match 'pattern' needs a pattern");
  if (!by.mayRule(sessionId)) {
    throw problem(
      "auth",
      "insufficient_access",
      `to answer for more than this input needs admin on the rules of session '${sessionId}'; remember it with match 'exact'`,
    );
  }
  const rule = {
    tool_name_pattern: pattern.tool_name_pattern ?? call.name,
    ...(pattern.match === undefined ? {} : { match: pattern.match }),
  };
  if (!authority.covers({ ...rule, behavior }, call, workspaceRoot)) {
    throw invalid(requestId, "the pattern does not fit the call that it is remembered of");
  }
  return rule;
}

/** Nobody answers for longer than they may answer at all. */
function endOf(
  requestId: string,
  { expires_at_ms: wanted }: Remember,
  { expiresAtMs }: Decider,
  nowMs: number,
): number | undefined {
  if (wanted !== undefined && wanted <= nowMs) throw invalid(requestId, "expires_at_ms has passed");
  if (wanted === undefined || expiresAtMs === undefined) return wanted ?? expiresAtMs;
  if (wanted <= expiresAtMs) return wanted;
  throw problem(
    "auth",
    "insufficient_access",
    `remember of '${requestId}' would outlive the token that answers, which ends at ${new Date(expiresAtMs).toISOString()}`,
  );
}

function invalid(requestId: string, why: string): Problem {
  return problem("approvals", "approval_remember_invalid", `remember of '${requestId}': ${why}`);
}
