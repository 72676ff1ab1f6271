import type { BudgetAmounts } from "@kheish/contract";
import { estimateMessage } from "../context/estimate.ts";
import type { Driver } from "../loop/driver.ts";
import type { AssistantMessage } from "../messages.ts";
import type { ModelError } from "../ports.ts";
import type { SessionChange } from "../session-change.ts";
import type { RunState } from "../state.ts";
import { addTo } from "./account.ts";
import { amounts, settling } from "./amounts.ts";
import { workedMs } from "./fold.ts";
import type { BudgetHold } from "./hold.ts";

type Answer = Pick<AssistantMessage, "parts" | "usage" | "route_id" | "model">;

/** The call was answered: what it used is charged in the commit that keeps the answer. */
export function settleAnswer(driver: Driver, change: SessionChange, answer: Answer): void {
  const { runState } = driver;
  const { hold } = runState;
  if (hold === undefined) return;
  const used = answer.usage === undefined ? estimated(hold, answer) : usedBy(driver, hold, answer);
  settle(change, driver.run.id, hold, { ...used, wall_time_ms: workedMs(runState, change.now) });
}

/** A provider that says nothing of usage is taken at what we think it was; nothing is silently free. */
function estimated(hold: BudgetHold, answer: Answer): BudgetAmounts {
  const { input_tokens, cost_microusd } = hold.reserved;
  const output = estimateMessage({ role: "assistant", id: "", ...answer } as AssistantMessage);
  return amounts({ input_tokens, output_tokens: output, cost_microusd, model_calls: 1 });
}

function usedBy(driver: Driver, hold: BudgetHold, { usage, route_id, model }: Answer): BudgetAmounts {
  const { input_tokens = 0, output_tokens = 0 } = usage ?? {};
  const cost =
    usage?.cost_microusd ??
    (usage && driver.deps.prices.priceOf({ ...driver.route, route_id }, model, usage));
  return amounts({
    input_tokens,
    output_tokens,
    cost_microusd: cost ?? hold.reserved.cost_microusd,
    model_calls: 1,
  });
}

/**
 * The call failed. A provider that refused it made nothing; where the connection was lost or nobody knows what
 * happened, the tokens may well have been made, and are charged as they were held.
 */
export function settleFailure(driver: Driver, change: SessionChange, error: ModelError): void {
  const { runState } = driver;
  const { hold } = runState;
  if (hold === undefined) return;
  if (isInDoubt(error)) settleCut(change, driver.run.id, runState);
  else {
    const wall_time_ms = workedMs(runState, change.now);
    settle(change, driver.run.id, hold, amounts({ model_calls: 1, wall_time_ms }));
  }
}

function isInDoubt({ class: kind, status }: ModelError): boolean {
  return status === undefined && (kind === "transport" || kind === "cancelled" || kind === "unknown");
}

/**
 * The call was cut off: its process died or was told to stop, or its run ended in between. Nobody knows what it used,
 * so it used what was held for it. Whoever takes the run over or ends it does this in the same commit, for the hold
 * stands in the run's journal: no reservation outlives its run, and none is given back that may have been used.
 */
export function settleCut(change: SessionChange, runId: string, run: RunState): void {
  const { hold } = run;
  if (hold !== undefined) settle(change, runId, hold, hold.reserved, true);
}

function settle(
  change: SessionChange,
  runId: string,
  { accounts, reserved }: BudgetHold,
  used: BudgetAmounts,
  cut = false,
): void {
  for (const account of accounts) change.add(addTo(account, settling(reserved, used)));
  change.emit("budget_settled", { run_id: runId, used, ...(cut ? { cut: true } : {}) });
}
