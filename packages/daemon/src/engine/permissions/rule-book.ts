import type { Store } from "../../kernel/store.ts";
import { KnownList } from "../known-list.ts";
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
  readonly #rules: KnownList<StandingRule>;

  constructor(store: Store) {
    this.#rules = new KnownList(async () => (await listRules(store)).map(({ data }) => data));
  }

  outdate(): void {
    this.#rules.outdate();
  }

  /** In the order they were made. */
  rules(): Promise<readonly StandingRule[]> {
    return this.#rules.items();
  }
}
