import type { Store } from "../../kernel/store.ts";
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
  readonly #store: Store;
  #budgets: readonly Pick<BudgetRecord, "budget_id" | "scope">[] = [];
  /** Changes that were heard of, and up to which of them the list goes. */
  #changes = 1;
  #seen = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  outdate(): void {
    this.#changes += 1;
  }

  /** The ids of the budgets that cover a place, in their order. */
  async covering(place: Partial<CallPlace>): Promise<string[]> {
    if (this.#seen !== this.#changes) await this.#read();
    if (this.#budgets.length === 0) return [];
    return this.#budgets
      .filter(({ scope }) => subjectOf(scope, place) !== undefined)
      .map(({ budget_id }) => budget_id);
  }

  async #read(): Promise<void> {
    const upTo = this.#changes;
    const budgets: BudgetRecord[] = [];
    for (let after: string | undefined; ; ) {
      const page = await this.#store.list("budget", {
        index: "id",
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      budgets.push(...(page as unknown as Kept<"budget">[]).map(({ data }) => data));
      after = page.at(-1)?.cursor;
      if (page.length < PAGE) break;
    }
    // Of two that read at once, the one that has seen more holds.
    if (upTo < this.#seen) return;
    this.#budgets = budgets;
    this.#seen = upTo;
  }
}
