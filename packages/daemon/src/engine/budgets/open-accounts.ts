import type { Store } from "../../kernel/store.ts";
import type { Sums } from "../../kernel/sums.ts";
import { type Kept, readMany } from "../records.ts";
import { accountAt, accountId, type BudgetAccount, type CallPlace, readSums } from "./account.ts";

/** The account of a budget that is open now for a place, with what stands in it. */
export interface OpenAccount {
  budget: Kept<"budget">;
  account: BudgetAccount;
  sums: Sums | undefined;
  resetsAtMs?: number;
}

/** The open accounts of these budgets with what stands in them, in the order of the ids. */
export async function openAccounts(
  store: Store,
  budgetIds: readonly string[],
  place: Partial<CallPlace>,
  nowMs: number,
): Promise<OpenAccount[]> {
  const budgets = await readMany(store, "budget", budgetIds);
  const found = budgetIds.flatMap((id) => {
    const budget = budgets.find((one) => one.id === id);
    const open = budget && accountAt(budget.data, place, nowMs);
    return budget === undefined || open === undefined ? [] : [{ budget, ...open }];
  });
  const sums = await readSums(
    store,
    found.map(({ account }) => account),
  );
  return found.map((open) => ({ ...open, sums: sums.get(accountId(open.account)) }));
}
