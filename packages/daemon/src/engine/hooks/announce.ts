import type { HookEvent, HookPayload, Json } from "@kheish/contract";
import type { SessionRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { type HookPort, hookInput } from "./port.ts";

/**
 * Has the hooks that only watch called once this change has landed, at least once, whatever becomes of this daemon.
 * `place` tells apart what happens more than once in one scope.
 */
export function announce<E extends HookEvent>(
  hooks: Pick<HookPort, "wants" | "announce">,
  change: SessionChange,
  session: Pick<SessionRecord, "session_id" | "agent_id" | "hook_agent">,
  event: E,
  call: { runId?: string; subject: string; place: Json; payload: HookPayload<E> },
): void {
  const { runId, ...rest } = call;
  if (session.hook_agent !== undefined || !hooks.wants(event, call.subject)) return;
  const { session_id, agent_id } = session;
  const scope = { session_id, agent_id, ...(runId === undefined ? {} : { run_id: runId }) };
  change.add(...hooks.announce(hookInput(event, scope, rest)));
}
