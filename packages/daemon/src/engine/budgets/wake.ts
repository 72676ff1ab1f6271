import type { BudgetMeasure } from "@kheish/contract";
import type { Op, Store } from "../../kernel/store.ts";
import type { Sums } from "../../kernel/sums.ts";
import { type Kept, read } from "../records.ts";
import { accountId, readSums, SUMS_KIND } from "./account.ts";
import { sumOf } from "./amounts.ts";
import type { BudgetAsk } from "./hold.ts";
import { windowAt } from "./window.ts";

/** Runs that are told at one firing; the rest at the next, so that one timer never keeps a claim for long. */
export const WAKE_PAGE = 200;
const SUMS_PAGE = 500;
const KEPT_MS = 7 * 24 * 3_600_000;

/** The timer at which whoever waits for a budget may go on. */
export function budgetTimer(budgetId: string): string {
  return `budget/${budgetId}`;
}

/** Why a run that asked can have its call without anybody's answer; undefined: it cannot. */
export async function roomFor(store: Store, ask: BudgetAsk, nowMs: number): Promise<string | undefined> {
  const { account, measure, least } = ask;
  const budget = await read(store, "budget", account.budget_id);
  if (budget === undefined) return `budget '${account.budget_id}' was removed`;
  const { limits, window, counted_since_ms } = budget.data;
  if (counted_since_ms !== account.counted_since_ms) return `budget '${budget.id}' was changed`;
  if (windowAt(window, nowMs).startMs !== account.window_start_ms) return `budget '${budget.id}' began anew`;
  const limit = limits[measure];
  if (limit === undefined) return `budget '${budget.id}' was changed`;
  const sums = (await readSums(store, [account])).get(accountId(account));
  return limit - sumOf(sums, "taken", measure) + held(sums, measure) >= least
    ? `budget '${budget.id}' was extended`
    : undefined;
}

/** As in the decision to ask: what calls under way hold may come back, and is waited for then. */
function held(sums: Sums | undefined, measure: BudgetMeasure): number {
  return measure === "model_calls" ? 0 : sumOf(sums, "reserved", measure);
}

/** Approvals that ask to extend the budget, oldest first. */
export async function asking(store: Store, budgetId: string, limit: number): Promise<Kept<"approval">[]> {
  const listed = await store.list("approval", { index: "budget", prefix: [budgetId], limit });
  return listed as unknown as Kept<"approval">[];
}

/** When the budget's windows end next; undefined when none is open or they never do. */
export async function nextReset(store: Store, budgetId: string, nowMs: number): Promise<number | undefined> {
  const budget = await read(store, "budget", budgetId);
  return budget && windowAt(budget.data.window, nowMs).endMs;
}

/**
 * Clears away what was counted in windows that are long over, and of a budget that is gone, once nothing is held there.
 * Not at once: a clock that is hours ahead ends a window, and the right one finds itself in it again.
 */
export async function clearOld(store: Store, budgetId: string, nowMs: number): Promise<void> {
  const budget = await read(store, "budget", budgetId);
  const since = budget && windowAt(budget.data.window, nowMs).startMs;
  const listed = await store.list<Record<string, number>>(SUMS_KIND, {
    index: "budget",
    prefix: [budgetId],
    limit: SUMS_PAGE,
  });
  const ops = listed.flatMap(({ id, revision, data }): Op[] => {
    const [, counted, start] = id.split("/").map(Number);
    const counts = budget?.data.counted_since_ms === counted;
    const open = counts && (start ?? 0) >= (since ?? 0) - KEPT_MS;
    const isHeld = Object.entries(data).some(([name, sum]) => name.startsWith("reserved_") && sum > 0);
    return open || isHeld ? [] : [{ op: "delete", kind: SUMS_KIND, id, expectedRevision: revision }];
  });
  // One that was added to in between is left for the next time.
  for (const op of ops) await store.commit([op]);
}
