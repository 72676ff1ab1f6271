import { chargeCall } from "../goals/charge.ts";
import type { Driver } from "../loop/driver.ts";
import type { Usage } from "../messages.ts";
import type { SessionChange } from "../session-change.ts";
import { addTo } from "./account.ts";
import { amounts, settling } from "./amounts.ts";
import { openAccounts } from "./open-accounts.ts";

/**
 * Charges what a model used for a tool's call to every budget and goal that covers it, in the commit that keeps the
 * result (02-A6). Nothing was held for it: the run's own next call finds what is left.
 */
export async function chargeTool(driver: Driver, change: SessionChange, usage: Usage): Promise<void> {
  chargeCall(driver, change, usage);
  const { deps, route, run, sessionId, model } = driver;
  const place = { session_id: sessionId, run_id: run.id, route_id: route.route_id };
  const covering = await deps.budgets.covering(place);
  if (covering.length === 0) return;
  const { input_tokens, output_tokens } = usage;
  const cost_microusd = usage.cost_microusd ?? deps.prices.priceOf(route, model, usage) ?? 0;
  const used = amounts({ input_tokens, output_tokens, cost_microusd, model_calls: 1 });
  for (const { account } of await openAccounts(deps.store, covering, place, change.now))
    change.add(addTo(account, settling(amounts({}), used)));
}
