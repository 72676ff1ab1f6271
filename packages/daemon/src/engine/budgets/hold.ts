import type { BudgetAmounts, BudgetMeasure } from "@kheish/contract";
import type { BudgetAccount } from "./account.ts";

/** What was taken out of its accounts for one model call before it left. Stands in the journal until it is settled. */
export interface BudgetHold {
  turn: number;
  accounts: BudgetAccount[];
  reserved: BudgetAmounts;
  /** The output that the call is told to stop at; absent where nothing that is limited depends on it. */
  max_output_tokens?: number;
}

/** What a run waits for when a budget is used up: it goes on when `least` of the measure is to be had. */
export interface BudgetAsk {
  account: BudgetAccount;
  measure: BudgetMeasure;
  least: number;
  /** How often the account had been extended when it asked: what was extended since need not be extended for it. */
  extensions: number;
}

/** The cap of the call that is about to leave. */
export function outputHeld({ hold }: { hold?: BudgetHold }): { max_output_tokens?: number } {
  const cap = hold?.max_output_tokens;
  return cap === undefined ? {} : { max_output_tokens: cap };
}
