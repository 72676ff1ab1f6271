import { type CommandDeps, deleteBudget, requireBudget, setBudget } from "../../engine/index.ts";
import { type Binding, bind, changerOf, ok, param, type Reply } from "../binding.ts";
import { allBudgets, budgetView } from "./view.ts";

/** What the daemon's work may use (02-A6). */
export function budgetBindings(deps: CommandDeps): Binding[] {
  const show = async (budgetId: string, status = 200): Promise<Reply> =>
    ok(await budgetView(deps, await requireBudget(deps.store, budgetId)), status);
  return [
    bind("listBudgets", async () => {
      const budgets = await allBudgets(deps);
      return ok({ budgets: await Promise.all(budgets.map((budget) => budgetView(deps, budget))) });
    }),
    bind("createBudget", async (request) => {
      const { budget_id, ...definition } = request.body;
      const budgetId = budget_id ?? `budget-${await deps.store.reserveIds("budget", 1)}`;
      await setBudget(deps, budgetId, definition, { by: changerOf(request), expectedRevision: 0 });
      return show(budgetId, 201);
    }),
    bind("getBudget", (request) => show(param(request, "budget_id"))),
    bind("setBudget", async (request) => {
      const { expected_revision, ...definition } = request.body;
      const budgetId = param(request, "budget_id");
      const { created } = await setBudget(deps, budgetId, definition, {
        by: changerOf(request),
        ...(expected_revision === undefined ? {} : { expectedRevision: expected_revision }),
      });
      return show(budgetId, created ? 201 : 200);
    }),
    bind("deleteBudget", async (request) => {
      await deleteBudget(deps, param(request, "budget_id"), changerOf(request));
      return ok({ accepted: true });
    }),
  ];
}
