import { BUDGET_EXHAUSTED, BUDGET_PRICE_UNKNOWN } from "@kheish/contract";
import { added } from "../../kernel/sums.ts";
import type { Driver } from "../loop/driver.ts";
import type { Effect, ModelEffect } from "../loop/effect.ts";
import { failRun } from "../loop/settle.ts";
import { queueOf, type SessionChange } from "../session-change.ts";
import { accountId, addTo, SUMS_KIND } from "./account.ts";
import { amounts, ceilings, reserving } from "./amounts.ts";
import { askToExtend } from "./ask.ts";
import type { BudgetHold } from "./hold.ts";
import { needOf, outputCap } from "./need.ts";
import { type OpenAccount, openAccounts } from "./open-accounts.ts";
import { exhausted } from "./say.ts";
import { settleCut } from "./settle.ts";
import { budgetTimer } from "./wake.ts";
import { type Need, type Verdict, weigh } from "./weigh.ts";

type Account = OpenAccount & { limits: OpenAccount["budget"]["data"]["limits"] };

/** How soon a run looks again for what other calls hold. */
const BUSY_RETRY_MS = 1_000;

/**
 * Lets a model call leave, or not: what it may use at most is taken out of every budget that covers it in the very
 * commit that sends it, and that commit is refused when it does not fit any more (02, weakness 15, A6).
 *
 * Why this holds and is still fast. A budget of the daemon is one account that hundreds of sessions take from at once.
 * It is kept as sums in the store, and a reservation is one addition with a limit (`AddOp`): the store itself refuses
 * the one that would go over, wherever it comes from, and additions commute, so that none of the others has to look
 * again. There are no slices that daemons would have to hand back, and no owner whose death would have to be noticed:
 * the reservation stands in the journal of the run it is for, and a run always finds somebody who takes it over or
 * ends it, in a commit that settles what it held. What was read here only decides what to do about a call that does
 * not fit; the limit is kept by the commit. A reader that was too optimistic is refused, reads again, and sees it.
 * Where no budget covers a call this is a look into a list in memory.
 */
export async function admit(driver: Driver, change: SessionChange, call: ModelEffect): Promise<Effect> {
  const { deps, run, runState, sessionId } = driver;
  // Held by a process that is gone.
  settleCut(change, run.id, runState);
  const place = { session_id: sessionId, run_id: run.id, route_id: driver.route.route_id };
  const covering = await deps.budgets.covering(place);
  if (covering.length === 0) return call;
  const open = await openAccounts(deps.store, covering, place, change.now);
  const accounts = open.map((one) => ({ ...withOwn(change, one), limits: one.budget.data.limits }));
  const need = needOf(driver, change);
  const verdict = weigh(accounts, need);
  if (verdict.kind === "fits") {
    if (accounts.length > 0) reserve(driver, change, accounts, need, verdict.output_tokens);
    return call;
  }
  return hold(driver, change, verdict);
}

/** The account as it is once this change has settled the call before: what that one held is to be had again. */
function withOwn(change: SessionChange, one: OpenAccount): OpenAccount {
  let { sums } = one;
  for (const { amounts: more } of change.addedTo(SUMS_KIND, accountId(one.account))) sums = added(sums, more);
  return { ...one, sums };
}

function reserve(
  driver: Driver,
  change: SessionChange,
  accounts: readonly Account[],
  need: Need,
  outputTokens: number,
): void {
  const reserved = amounts({
    input_tokens: need.input_tokens,
    output_tokens: outputTokens,
    cost_microusd: need.costOf(outputTokens) ?? 0,
    model_calls: 1,
  });
  const worked = amounts({ wall_time_ms: need.wall_time_ms });
  for (const { budget, account, sums, limits, resetsAtMs } of accounts) {
    change.add({ op: "check", kind: "budget", id: budget.id, revision: budget.revision });
    change.add(addTo(account, reserving(reserved, worked), ceilings(limits)));
    // The first of a window sees to its end: whoever waits then goes on, and what was counted is cleared away.
    if (sums === undefined && resetsAtMs !== undefined) change.remind(budgetTimer(budget.id), resetsAtMs);
  }
  const data: BudgetHold = {
    turn: driver.runState.turn,
    accounts: accounts.map(({ account }) => account),
    reserved,
    ...outputTold(driver, accounts, need, outputTokens),
  };
  change.emit("budget_reserved", { run_id: driver.run.id, hold: data });
}

/** The call is told to stop where its reservation ends, unless we only guess what the model may say at most. */
function outputTold(
  driver: Driver,
  accounts: readonly Account[],
  need: Need,
  outputTokens: number,
): { max_output_tokens?: number } {
  const depends = accounts.some(
    ({ limits }) => (limits.output_tokens ?? limits.total_tokens ?? limits.cost_microusd) !== undefined,
  );
  const known = outputCap(driver) !== undefined || outputTokens < need.output_tokens;
  return depends && known ? { max_output_tokens: outputTokens } : {};
}

async function hold(
  driver: Driver,
  change: SessionChange,
  verdict: Exclude<Verdict<Account>, { kind: "fits" }>,
): Promise<Effect> {
  const { run } = driver;
  const { budget } = verdict.on;
  if (verdict.kind === "busy") {
    if (driver.runState.budget_busy !== true) {
      change.emit("budget_busy", { run_id: run.id, budget_id: budget.id });
    }
    const dueAtMs = change.now + BUSY_RETRY_MS;
    const { sessionId: key } = driver;
    change.add({ op: "enqueue", queue: queueOf(key), key, dueAtMs, payload: null });
    return { kind: "later" };
  }
  if (verdict.kind === "unpriced") {
    const error = `budget '${budget.id}' limits cost, and what model '${driver.model}' on route '${driver.route.route_id}' costs is not known; give the route its prices or take the limit away`;
    await failRun(driver, change, error, false, BUDGET_PRICE_UNKNOWN);
    return { kind: "settled" };
  }
  if (budget.data.on_limit === "fail") {
    await failRun(driver, change, exhausted(verdict.on, verdict.measure), false, BUDGET_EXHAUSTED);
    return { kind: "settled" };
  }
  await askToExtend(driver, change, verdict.on, verdict);
  return { kind: "suspended" };
}
