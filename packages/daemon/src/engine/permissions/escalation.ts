import type { ApprovalRecord, Kept } from "../records.ts";

/**
 * An approval whose deadline passes with `on_timeout: escalate` waits once more, for those who may change the session's
 * rules; when they do not answer either, it is denied. Undefined: it is none, or was escalated before.
 */
export function escalated(
  { data }: Kept<"approval">,
  session: Kept<"session">,
  approvalTimeoutMs: number,
  nowMs: number,
): { record: ApprovalRecord; dueAtMs: number } | undefined {
  const { request } = data;
  if (request.on_timeout !== "escalate" || request.escalated_at_ms !== undefined) return undefined;
  const { operator } = session.data;
  const waitMs = operator?.escalation_timeout_ms ?? operator?.approval_timeout_ms ?? approvalTimeoutMs;
  const dueAtMs = nowMs + waitMs;
  return {
    record: { ...data, request: { ...request, escalated_at_ms: nowMs, expires_at_ms: dueAtMs } },
    dueAtMs,
  };
}
