import type { BudgetLimits, BudgetScope, BudgetWindow } from "@kheish/contract";
import type { AddOp, Store } from "../../kernel/store.ts";
import type { Sums } from "../../kernel/sums.ts";
import { windowAt } from "./window.ts";

/** What the daemon keeps of a budget. What is used of it stands apart, in accounts, so that counting changes no record of this kind. */
export interface BudgetRecord {
  budget_id: string;
  scope: BudgetScope;
  window: BudgetWindow;
  limits: BudgetLimits;
  on_limit: "ask" | "fail";
  /** Names the counting: another scope or window begins from nothing, and so does a budget that was removed between. */
  counted_since_ms: number;
  created_at_ms: number;
  updated_at_ms: number;
  updated_by: string;
}

/** Where one subject's use of a budget in one window is counted. */
export interface BudgetAccount {
  budget_id: string;
  counted_since_ms: number;
  window_start_ms: number;
  /** The route, session or run; `daemon` for all. */
  subject: string;
}

/** Where a model call happens, as far as budgets ask. */
export interface CallPlace {
  session_id: string;
  run_id: string;
  route_id: string;
}

export const SUMS_KIND = "budget_sums";

/** Whose use counts; undefined when the budget does not cover the call. */
export function subjectOf(scope: BudgetScope, place: Partial<CallPlace>): string | undefined {
  if (scope.kind === "daemon") return "daemon";
  if (scope.kind === "project") return undefined;
  const subject = place[`${scope.kind}_id`];
  return scope.id === undefined || scope.id === subject ? subject : undefined;
}

export function accountId(account: BudgetAccount): string {
  const { budget_id, counted_since_ms, window_start_ms, subject } = account;
  return [budget_id, counted_since_ms, window_start_ms, subject].join("/");
}

export function addTo(account: BudgetAccount, amounts: Sums, atMost?: Sums): AddOp {
  return {
    op: "add",
    kind: SUMS_KIND,
    id: accountId(account),
    amounts,
    keys: { budget: [account.budget_id, account.window_start_ms, account.subject] },
    ...(atMost === undefined ? {} : { atMost }),
  };
}

/** The account of a budget that is open now for a place it covers. */
export function accountAt(
  budget: BudgetRecord,
  place: Partial<CallPlace>,
  nowMs: number,
): { account: BudgetAccount; resetsAtMs?: number } | undefined {
  const subject = subjectOf(budget.scope, place);
  if (subject === undefined) return undefined;
  const { startMs, endMs } = windowAt(budget.window, nowMs);
  const { budget_id, counted_since_ms } = budget;
  return {
    account: { budget_id, counted_since_ms, window_start_ms: startMs, subject },
    ...(endMs === undefined ? {} : { resetsAtMs: endMs }),
  };
}

export async function readSums(store: Store, accounts: readonly BudgetAccount[]): Promise<Map<string, Sums>> {
  if (accounts.length === 0) return new Map();
  const stored = await store.getMany<Record<string, number>>(SUMS_KIND, accounts.map(accountId));
  return new Map(stored.map(({ id, data }) => [id, data]));
}
