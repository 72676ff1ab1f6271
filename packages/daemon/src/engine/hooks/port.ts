import type { HookEvent, HookInput, HookOutcome, HookPayload, Json } from "@kheish/contract";
import type { Op } from "../../kernel/store.ts";
import { digest } from "../ledger.ts";

/** What the hooks of an event say together, and what has to be committed with it: the dead letters of those that failed. */
export interface HookAnswer {
  outcome: HookOutcome;
  ops: readonly Op[];
}

/**
 * The operator's hooks. Those that may steer are called where the run stands, and what they say is journaled in the
 * commit that carries out what follows: a daemon that dies before it makes the same call again, with the same
 * `invocation_key`. Those that only watch are announced: the commit of what happened enqueues their call.
 */
export interface HookPort {
  /** Whether there is any hook at all. */
  readonly active: boolean;
  /** Whether a hook would be called: a look at what is in memory. */
  wants(event: HookEvent, subject: string): boolean;
  /** Calls them; resolves in every case. An aborted call answers nothing that counts. */
  call(input: HookInput, signal: AbortSignal): Promise<HookAnswer>;
  /** What has them called once the commit that carries it has landed; nothing when nobody watches. */
  announce(input: HookInput): readonly Op[];
}

/** Hooks that have to be called before the run goes on. */
export interface DueHook {
  input: HookInput;
  /** The call that they are about. */
  callId?: string;
}

/** Who an event happens to. */
export interface HookScope {
  session_id?: string;
  agent_id?: string;
  run_id?: string;
}

/**
 * One call of an event's hooks. `place` is where in the journal it stands: with event and scope it makes the
 * invocation key, which a replay makes again.
 */
export function hookInput<E extends HookEvent>(
  event: E,
  scope: HookScope,
  call: { subject: string; place: Json; payload: HookPayload<E> },
): HookInput {
  const { session_id = null, run_id = null } = scope;
  const key = digest([event, session_id, run_id, call.place]).slice(0, 32);
  return {
    event,
    subject: call.subject,
    ...scope,
    payload: call.payload as Json,
    contract_version: 1,
    invocation_key: `hook-invocation-${key}`,
  };
}

/** Whether what was to happen does not. A deny of `permission_request` is read where the verdict is made. */
export function isBlocked(outcome: HookOutcome): boolean {
  return outcome.decision === "block" || outcome.continue_execution === false;
}

export function blockReason(event: HookEvent, outcome: HookOutcome): string {
  return outcome.stop_reason ?? `blocked by a ${event} hook (${(outcome.matched_hooks ?? []).join(", ")})`;
}
