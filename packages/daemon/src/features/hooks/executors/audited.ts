import type { HookExecutor, Json } from "@kheish/contract";
import { urlTarget } from "../../../engine/action-target.ts";
import { AuditRefused, digest, type ExternalAction } from "../../../engine/index.ts";
import type { AuditLedger } from "../../../governance/audit/index.ts";
import { failed, type HookCall, type HookCaller, type HookCallers } from "./executor.ts";

type Ledger = Pick<AuditLedger, "record">;
type Leaving = "command" | "http";
type Executor<T extends Leaving> = Extract<HookExecutor, { type: T }>;

/**
 * The callers whose calls leave the daemon, each attempt on record before it is made and when it has been answered
 * (02-R74). While the ledger cannot vouch for it the hook is not called, and has failed (02-R80). The others need nothing:
 * a judge is a run, and a callback is this process.
 */
export function auditedCallers(ledger: Ledger, { command, http, ...rest }: HookCallers): HookCallers {
  return {
    ...rest,
    ...(command && { command: audited(ledger, "hook_command", () => "command", command) }),
    ...(http && { http: audited(ledger, "hook_http", ({ url }) => urlTarget(url), http) }),
  };
}

function audited<T extends Leaving>(
  ledger: Ledger,
  kind: string,
  targetOf: (executor: Executor<T>) => string,
  call: HookCaller<T>,
): HookCaller<T> {
  return async (request) => {
    const action = { ...scopeOf(request), kind, target: targetOf(request.executor as Executor<T>) };
    try {
      const sent = [request.executionKey, request.attempt, request.input as unknown as Json];
      await ledger.record({ ...action, phase: "request", request_digest: digest(sent) });
    } catch (error) {
      if (!(error instanceof AuditRefused)) throw error;
      return failed("internal", error.message);
    }
    const answer = await call(request);
    await ledger.record(
      answer.kind === "failed"
        ? { ...action, phase: "failed", outcome: `failed:${answer.class}` }
        : {
            ...action,
            phase: "response",
            response_digest: digest(answer.kind === "text" ? answer.text : answer.value),
            outcome: "ok",
          },
    );
    return answer;
  };
}

function scopeOf({ input }: Pick<HookCall, "input">): Pick<ExternalAction, "session_id" | "run_id"> {
  const { session_id, run_id } = input;
  return {
    ...(session_id == null ? {} : { session_id }),
    ...(run_id == null ? {} : { run_id }),
  };
}
