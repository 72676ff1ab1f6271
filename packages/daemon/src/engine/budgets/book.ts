import type { Store } from "../../kernel/store.ts";
import { KnownList } from "../known-list.ts";
import type { Kept } from "../records.ts";
import { type BudgetRecord, type CallPlace, subjectOf } from "./account.ts";

/** The stream of what is done to budgets: set, removed, extended, and by whom. */
export const BUDGET_STREAM = "budgets";

const PAGE = 1_000;

/**
 * Which budgets there are, and nothing of what is used of them: a call that no budget covers costs a look into this
 * list and no read. It is outdated by whoever changes a budget here, and by the journal when another daemon does, and
 * then read again by the next who asks. What it says of a budget is read again from the store before it counts, and
 * guarded there, so a list that is behind can only be late in learning of a new budget, never wrong about one it knows.
 */
export class BudgetBook {
  readonly #budgets: KnownList<Pick<BudgetRecord, "budget_id" | "scope">>;

  constructor(store: Store) {
    this.#budgets = new KnownList(() => listBudgets(store));
  }

  outdate(): void {
    this.#budgets.outdate();
  }

  /** The ids of the budgets that cover a place, in their order. */
  async covering(place: Partial<CallPlace>): Promise<string[]> {
    return (await this.#budgets.items())
      .filter(({ scope }) => subjectOf(scope, place) !== undefined)
      .map(({ budget_id }) => budget_id);
  }
}

async function listBudgets(store: Store): Promise<BudgetRecord[]> {
  const budgets: BudgetRecord[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.list("budget", {
      index: "id",
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    budgets.push(...(page as unknown as Kept<"budget">[]).map(({ data }) => data));
    after = page.at(-1)?.cursor;
    if (page.length < PAGE) return budgets;
  }
}
