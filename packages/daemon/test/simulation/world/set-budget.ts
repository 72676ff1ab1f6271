import type { Store } from "../../../src/kernel/store.ts";
import type { BudgetPlan } from "../plan/plan.ts";

export const BUDGET_ID = "simulated";

/** As an earlier daemon left it: every daemon finds it at its start. */
export async function setBudget(store: Store, plan: BudgetPlan | undefined, nowMs: number): Promise<void> {
  if (plan === undefined) return;
  const { modelCalls, totalTokens, window, onLimit } = plan;
  const limits = {
    model_calls: modelCalls,
    ...(totalTokens === undefined ? {} : { total_tokens: totalTokens }),
  };
  const times = { counted_since_ms: nowMs, created_at_ms: nowMs, updated_at_ms: nowMs };
  const data = {
    budget_id: BUDGET_ID,
    scope: { kind: "daemon" },
    window: { kind: window },
    limits,
    on_limit: onLimit,
    ...times,
    updated_by: "somebody",
  };
  const keys = { id: [BUDGET_ID] };
  await store.commit([{ op: "put", kind: "budget", id: BUDGET_ID, data, keys, expectedRevision: 0 }]);
}
