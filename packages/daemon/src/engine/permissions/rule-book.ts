import type { Store } from "../../kernel/store.ts";
import type { StandingRule } from "../ports.ts";
import { listRules } from "./rule-records.ts";

/** The stream of what is done to the daemon's rules, and by whom. */
export const RULE_STREAM = "permission-rules";

/**
 * The rules of user and project scope. A call costs a look into this list and no read. It is outdated by whoever changes
 * a rule here, and by the journal when another daemon does, and then read again by the next who asks: at the daemon that
 * answered the change it holds from the next call on, at the others as soon as they have heard of it.
 */
export class RuleBook {
  readonly #store: Store;
  #rules: readonly StandingRule[] = [];
  /** Changes that were heard of, and up to which of them the list goes. */
  #changes = 1;
  #seen = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  outdate(): void {
    this.#changes += 1;
  }

  /** In the order they were made. */
  async rules(): Promise<readonly StandingRule[]> {
    if (this.#seen === this.#changes) return this.#rules;
    const upTo = this.#changes;
    const rules = (await listRules(this.#store)).map(({ data }) => data);
    // Of two that read at once, the one that has seen more holds.
    if (upTo > this.#seen) {
      this.#rules = rules;
      this.#seen = upTo;
    }
    return this.#rules;
  }
}
