import type { SessionChange } from "./session-change.ts";
import type { CallState, RunState } from "./state.ts";

/**
 * A run that ends takes its open calls with it. Each gets a result that says so (03-R5): the ledger knows what became
 * of everything that left, and the session's next prompt holds no call without a result, which no provider takes.
 * Answers how many of them had left; `onLost` hears of those whose outcome nobody will know.
 */
export function closeCalls(
  change: SessionChange,
  run: RunState,
  status: string,
  onLost: (call: CallState) => void,
): number {
  const open = run.calls.filter((call) => call.phase !== "settled");
  for (const call of open) {
    const left = call.attempt > 0;
    if (call.phase === "dispatched") onLost(call);
    change.emit("tool_call_finished", {
      run_id: run.run_id,
      call_id: call.call.id,
      result: {
        call_id: call.call.id,
        tool_name: call.call.name,
        output: {
          error: left
            ? `the run was ${status} before this call ended`
            : `the run was ${status} before this call`,
          interrupted: true,
        },
        is_error: true,
      },
      ledger: ledgerOf(call),
    });
  }
  return open.filter((call) => call.attempt > 0).length;
}

function ledgerOf(call: CallState): "denied" | "unknown" | "failed" {
  if (call.attempt === 0) return "denied";
  return call.effect === "once" ? "unknown" : "failed";
}
