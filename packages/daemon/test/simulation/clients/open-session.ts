import type { Client } from "./client.ts";

/** Created and configured before anybody works in it; both are answered the same when they are repeated. */
export async function openSession(client: Client, sessionId: string): Promise<void> {
  const plan = client.world.plan.sessions.find(({ id }) => id === sessionId);
  if (plan === undefined) throw new Error(`nobody planned a session '${sessionId}'`);
  const params = { session_id: sessionId };
  await client.insist("createSession", { body: params });
  const operator = {
    approval_timeout_ms: plan.approvalTimeoutMs,
    approval_on_timeout: plan.onTimeout,
    unknown_outcome: plan.unknownOutcome,
  };
  // Refused while somebody is at work, who then has set it before.
  await client.insist("putOperator", { params, body: { operator } });
}
