import { createHash } from "node:crypto";
import {
  type ApprovalResolution,
  BudgetLimits,
  type BudgetMeasure,
  EXTEND_BUDGET,
  type Json,
  problem,
} from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { announce } from "../hooks/announce.ts";
import type { Driver } from "../loop/driver.ts";
import type { StoredApproval } from "../ports.ts";
import { type ApprovalRecord, type Kept, read } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { accountId, addTo, readSums } from "./account.ts";
import { EXTENSIONS, extending } from "./amounts.ts";
import { BUDGET_STREAM } from "./book.ts";
import type { OpenAccount } from "./open-accounts.ts";
import { exhausted, useOf } from "./say.ts";
import { budgetTimer } from "./wake.ts";
import { windowAt } from "./window.ts";

/**
 * Parks the run behind an approval to extend the budget: one of the inbox like any other, and like any other decided
 * at most once, refused when its deadline passes, and nothing in memory while it waits.
 */
export async function askToExtend(
  driver: Driver,
  change: SessionChange,
  on: OpenAccount,
  missing: { measure: BudgetMeasure; least: number },
): Promise<void> {
  const { run, runState } = driver;
  await driver.sessionFor(change);
  const number = await driver.deps.store.reserveIds("approval", 1);
  const request = requestFor(driver, change.now, on, missing.measure, number);
  const record: ApprovalRecord = {
    request,
    session_id: driver.sessionId,
    run_id: run.id,
    message_seq: runState.message_seq,
    created_at_ms: change.now,
    budget: { account: on.account, ...missing, extensions: on.sums?.[EXTENSIONS] ?? 0 },
  };
  change.put("approval", request.id, record, 0);
  if (request.expires_at_ms !== undefined) change.remind(`approval/${request.id}`, request.expires_at_ms);
  if (on.resetsAtMs !== undefined) change.remind(budgetTimer(on.budget.id), on.resetsAtMs);
  announce(driver.deps.hooks, change, driver.session, "notification", {
    runId: run.id,
    subject: "approval_requested",
    place: ["notification", request.id],
    payload: { kind: "approval_requested", request_ids: [request.id] },
  });
  change.emit("waiting_for_approval", {
    run_id: run.id,
    message_seq: runState.message_seq,
    requests: [request],
  });
  // It may have fallen back in this very change.
  const data = change.landed("run", run.id)?.data ?? run.data;
  change.put(
    "run",
    run.id,
    {
      ...data,
      status: "waiting_for_approval",
      updated_at_ms: change.now,
      pending_approval_ids: [request.id],
      request: { ...data.request, approval_count: (data.request.approval_count ?? 0) + 1 },
      usage: runState.usage,
    },
    run.revision,
  );
  change.updateSession({ status: "waiting_for_approval", pending_approvals: 1 });
}

function requestFor(
  driver: Driver,
  nowMs: number,
  on: OpenAccount,
  measure: BudgetMeasure,
  number: number,
): StoredApproval {
  const callId = `budget-${number}`;
  const hash = createHash("sha256").update(callId).digest("hex").slice(0, 8);
  const { operator } = driver.session;
  const timeoutMs = operator?.approval_timeout_ms ?? driver.deps.approvalTimeoutMs;
  return {
    id: `approval-${EXTEND_BUDGET}-${number}-${hash}`,
    tool_call_id: callId,
    tool_name: EXTEND_BUDGET,
    scope: "default",
    reason: exhausted(on, measure),
    budget_id: on.budget.id,
    input: { ...useOf(on), exhausted: measure, extend_by: on.budget.data.limits } as unknown as Json,
    ...(timeoutMs === 0
      ? {}
      : { expires_at_ms: nowMs + timeoutMs, on_timeout: operator?.approval_on_timeout ?? "deny" }),
  };
}

/** By how much an approver wants it extended; undefined: by what was proposed. Throws where it says no amounts. */
function wantedExtension(resolution: ApprovalResolution): BudgetLimits | undefined {
  const input = resolution.updated_input;
  if (input === undefined) return undefined;
  const parsed = BudgetLimits.safeParse((input as { extend_by?: Json } | null)?.extend_by);
  if (parsed.success && Object.keys(parsed.data).length > 0) return parsed.data;
  throw problem(
    "approvals",
    "approval_input_invalid",
    `updated_input of '${resolution.request_id}' must hold extend_by with whole amounts, such as {"extend_by": {"model_calls": 10}}`,
  );
}

export function checkExtension(resolution: ApprovalResolution): void {
  if (resolution.behavior === "allow") wantedExtension(resolution);
}

/**
 * Somebody allowed it: the account is extended by the amounts of `extend_by`, or else by one more of its limits, in the
 * commit of the decision. Once for all runs that ask: a request that was made before the last extension, or in a window
 * that is over, asked for what is there by now, so allowing it extends nothing and the run just looks again. Fifty runs
 * that wait for one budget and are all allowed cost one extension, not fifty.
 */
export async function extendBudget(
  store: Store,
  change: SessionChange,
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
  decidedBy: string,
): Promise<void> {
  const asked = approval.data.budget;
  if (asked === undefined) return;
  const { account, extensions } = asked;
  const budget = await read(store, "budget", account.budget_id);
  if (budget === undefined || budget.data.counted_since_ms !== account.counted_since_ms) return;
  if (windowAt(budget.data.window, change.now).startMs !== account.window_start_ms) return;
  const sums = (await readSums(store, [account])).get(accountId(account));
  if ((sums?.[EXTENSIONS] ?? 0) > extensions) return;
  const by = wantedExtension(resolution) ?? budget.data.limits;
  change.add(addTo(account, extending(by), { [EXTENSIONS]: extensions + 1 }), {
    op: "append",
    stream: BUDGET_STREAM,
    events: [
      {
        type: "budget_extended",
        atMs: change.now,
        data: {
          budget_id: budget.id,
          subject: account.subject,
          by: by as Json,
          principal: decidedBy,
          run_id: approval.data.run_id,
        },
      },
    ],
  });
  change.remind(budgetTimer(budget.id), change.now);
}
