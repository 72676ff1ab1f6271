import type { Json } from "@kheish/contract";
import type { ExternalAction } from "../../engine/audit-port.ts";
import { digest } from "../../engine/index.ts";
import type { ToolContext } from "../../engine/ports.ts";
import { OutboundRefused } from "../../governance/outbound/refused.ts";
import { ToolFailure } from "../failure.ts";

/** Puts an action on the signed ledger; rejects with `AuditRefused` when the ledger cannot vouch for it. */
export type Recorder = (action: ExternalAction) => Promise<void>;

type Caller = Pick<ToolContext, "session_id" | "run_id" | "call_id" | "agent_id" | "principal" | "signal">;

export interface Leaving {
  kind: string;
  /** Without secrets, as `urlTarget` makes it. */
  target: string;
  /** What is sent; only its digest is kept. */
  sent: Json;
}

/** Says that an attempt failed, and that another one leaves. */
export type Again = (outcome: string) => Promise<void>;

/**
 * Performs what leaves in the middle of a tool's call, to somewhere else than the call itself was recorded with: on
 * record before it leaves, and again when it is known what came of it (02-R74).
 */
export async function accounted<T>(
  record: Recorder,
  { session_id, run_id, call_id, agent_id, principal, signal }: Caller,
  { kind, target, sent }: Leaving,
  go: (again: Again) => Promise<T>,
): Promise<T> {
  const action = {
    session_id,
    run_id,
    tool_call_id: call_id,
    kind,
    target,
    ...(agent_id === undefined ? {} : { agent_id }),
    ...(principal === undefined ? {} : { principal_id: principal }),
  };
  const request = { ...action, phase: "request", request_digest: digest(sent) } as const;
  await record(request);
  try {
    const done = await go(async (outcome) => {
      await record({ ...action, phase: "failed", outcome });
      await record(request);
    });
    await record({ ...action, phase: "response", outcome: "ok" });
    return done;
  } catch (error) {
    await record({
      ...action,
      phase: "failed",
      outcome: signal.aborted ? "failed:interrupted" : outcomeOf(error),
    });
    throw error;
  }
}

function outcomeOf(error: unknown): string {
  if (error instanceof OutboundRefused) return `failed:${error.failureClass}`;
  const named = error instanceof ToolFailure ? error.details.failure_class : undefined;
  return typeof named === "string" ? `failed:${named}` : "failed";
}
