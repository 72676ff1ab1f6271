import { auditOutcome } from "../external-actions.ts";
import { planRecovery, unknownOutcome } from "../ledger.ts";
import { questionRecordId } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";
import { unknownEffectQuestion } from "../unknown-effect.ts";
import { start } from "./dispatch.ts";
import type { Driver } from "./driver.ts";
import type { Effect } from "./effect.ts";
import { park } from "./park.ts";

/**
 * Calls whose process died between dispatch and outcome. `read` and `idempotent` go again with the same key;
 * a `once` effect is read back where it can be, and surfaced where it cannot: never repeated on its own.
 */
export async function recover(
  driver: Driver,
  change: SessionChange,
  lost: readonly CallState[],
): Promise<Effect | undefined> {
  const again: CallState[] = [];
  const readBack: CallState[] = [];
  for (const call of lost) {
    const tool = driver.deps.tools.get(call.call.name);
    const plan = planRecovery(
      call,
      tool && { canReadBack: tool.reconcile !== undefined },
      driver.deps.limits,
    );
    if (plan === "run_again") again.push(call);
    else if (plan === "read_back") readBack.push(call);
    else if (plan === "give_up") surfaceGivenUp(driver, change, call);
    else if (await surface(driver, change, call)) return { kind: "suspended" };
  }
  if (readBack.length > 0) return { kind: "read_back", calls: readBack };
  if (again.length === 0) return undefined;
  for (const call of again) start(driver, change, call, call.effect ?? "read");
  return { kind: "run_tools", calls: again };
}

function surfaceGivenUp(driver: Driver, change: SessionChange, call: CallState): void {
  finishLost(
    driver,
    change,
    call,
    "failed",
    `the call was attempted ${call.attempt} times and cut off each time`,
  );
}

/**
 * Tells the model, or asks an operator, as the session's policy says. Answers whether the run now waits.
 */
export async function surface(
  driver: Driver,
  change: SessionChange,
  call: CallState,
  detail?: string,
): Promise<boolean> {
  const policy = driver.session.operator?.unknown_outcome ?? driver.deps.limits.unknownOutcome;
  if (policy === "tell_model") {
    finishLost(driver, change, call, "unknown", detail);
    return false;
  }
  auditOutcome(change, driver.run.data, driver.deps.tools, call, { outcome: "failed:interrupted" });
  const request = unknownEffectQuestion(call, change.now);
  const about = { unknown_call_id: call.call.id, tool_name: call.call.name };
  await park(driver, change, { request, about });
  change.put(
    "question",
    questionRecordId(driver.run.id, request.id),
    { request, about, session_id: driver.sessionId, run_id: driver.run.id },
    0,
  );
  return true;
}

function finishLost(
  driver: Driver,
  change: SessionChange,
  call: CallState,
  ledger: "unknown" | "failed",
  detail?: string,
): void {
  auditOutcome(change, driver.run.data, driver.deps.tools, call, { outcome: "failed:interrupted" });
  change.emit("tool_call_finished", {
    run_id: driver.run.id,
    call_id: call.call.id,
    result: {
      call_id: call.call.id,
      tool_name: call.call.name,
      output: unknownOutcome(call, detail),
      is_error: true,
    },
    ledger,
  });
}
