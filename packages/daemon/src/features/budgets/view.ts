import type { BudgetsStatus, BudgetUse, BudgetView } from "@kheish/contract";
import {
  type CallPlace,
  type CommandDeps,
  isExhausted,
  type Kept,
  openAccounts,
  unpricedRoutes,
  useOf,
} from "../../engine/index.ts";

type Deps = Pick<CommandDeps, "store" | "clock" | "budgets" | "routes" | "prices">;

const PAGE = 1_000;

/** A budget as operators read it, with what is used of it where that is one figure. */
export async function budgetView(deps: Deps, budget: Kept<"budget">): Promise<BudgetView> {
  const { data } = budget;
  const [open] = await accountOf(deps, budget);
  const unpriced = data.limits.cost_microusd === undefined ? [] : unpricedRoutes(deps, data.scope);
  return {
    budget_id: data.budget_id,
    scope: data.scope,
    window: data.window,
    limits: data.limits,
    on_limit: data.on_limit,
    ...(open === undefined ? {} : useOf(open)),
    revision: budget.revision,
    created_at_ms: data.created_at_ms,
    updated_at_ms: data.updated_at_ms,
    updated_by: data.updated_by,
    waiting_run_count: await waitingFor(deps, budget.id),
    ...(unpriced.length === 0 ? {} : { unpriced_routes: unpriced }),
  };
}

/** The one account of a budget that does not hold for each of many. */
function accountOf({ store, clock }: Deps, { id, data: { scope } }: Kept<"budget">) {
  if (scope.kind !== "daemon" && scope.id === undefined) return [];
  return openAccounts(store, [id], { [`${scope.kind}_id`]: scope.id }, clock.now());
}

function waitingFor({ store }: Deps, budgetId: string): Promise<number> {
  return store.count("approval", { index: "budget", prefix: [budgetId] });
}

export async function allBudgets({ store }: Pick<Deps, "store">): Promise<Kept<"budget">[]> {
  const budgets: Kept<"budget">[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.list("budget", {
      index: "id",
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    budgets.push(...(page as unknown as Kept<"budget">[]));
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return budgets;
  }
}

/** The budgets that hold for a run or session, with what it has used; undefined when there are none. */
export async function usesAt(deps: Deps, place: Partial<CallPlace>): Promise<BudgetUse[] | undefined> {
  const covering = await deps.budgets.covering(place);
  if (covering.length === 0) return undefined;
  return (await openAccounts(deps.store, covering, place, deps.clock.now())).map(useOf);
}

/** For the operator's snapshot; undefined when nobody has set a budget. */
export async function budgetsStatus(deps: Deps): Promise<BudgetsStatus | undefined> {
  const budgets = await allBudgets(deps);
  if (budgets.length === 0) return undefined;
  const accounts = await Promise.all(budgets.map((budget) => accountOf(deps, budget)));
  const waiting = await Promise.all(budgets.map(({ id }) => waitingFor(deps, id)));
  return {
    total: budgets.length,
    exhausted_budget_ids: accounts
      .flat()
      .filter(isExhausted)
      .map(({ budget }) => budget.id),
    waiting_run_count: waiting.reduce((sum, count) => sum + count, 0),
  };
}
