import {
  BUDGET_MEASURES,
  type BudgetLimits,
  type BudgetScope,
  type BudgetWindow,
  type CreateBudgetRequest,
  type Json,
  problem,
} from "@kheish/contract";
import type { Op, Store } from "../../kernel/store.ts";
import type { Changer } from "../audit-port.ts";
import type { BudgetRecord } from "../budgets/account.ts";
import { BUDGET_STREAM } from "../budgets/book.ts";
import { asking, budgetTimer, clearOld, nextReset, roomFor, WAKE_PAGE } from "../budgets/wake.ts";
import { isTimezone } from "../budgets/window.ts";
import { digest } from "../ledger.ts";
import type { PricePort, RouteResolver } from "../ports.ts";
import { type Kept, put, read } from "../records.ts";
import { TIMER_QUEUE } from "../session-change.ts";
import type { TooEarly } from "./too-early.ts";
import { type CommandDeps, requireRun } from "./transact.ts";
import { passApproval } from "./unanswered-approvals.ts";

type Definition = Omit<CreateBudgetRequest, "budget_id">;
type BudgetDeps = Pick<CommandDeps, "store" | "audit" | "clock" | "budgets" | "routes" | "prices">;

/** One path segment, and one part of the ids below it. */
const BUDGET_ID = /^[A-Za-z0-9._-]{1,64}$/;

export async function requireBudget(store: Store, budgetId: string): Promise<Kept<"budget">> {
  const budget = await read(store, "budget", budgetId);
  if (budget === undefined) throw problem("budgets", "budget_not_found", `no budget '${budgetId}'`);
  return budget;
}

/**
 * Sets or replaces a budget (02-A6). What was used stays counted unless the scope or the window is another one.
 * It holds from the next model call on; other daemons on the store learn of a new one through the journal.
 */
export async function setBudget(
  deps: BudgetDeps,
  budgetId: string,
  definition: Definition,
  options: { by: Changer; expectedRevision?: number },
): Promise<{ created: boolean }> {
  await checkDefinition(deps, budgetId, definition);
  for (;;) {
    const before = await read(deps.store, "budget", budgetId);
    checkRevision(budgetId, before, options.expectedRevision);
    const now = deps.clock.now();
    const { principal } = options.by;
    const record = recordOf(budgetId, definition, before?.data, principal, now);
    const ops = changed(budgetId, "budget_set", { budget: record as unknown as Json }, principal, now);
    const { scope, window, limits, on_limit } = record;
    const result = await deps.audit.commitAdmin(
      [put("budget", budgetId, record, before?.revision ?? 0), ...ops],
      {
        ...options.by,
        target: `budgets/${budgetId}`,
        change: { set: { scope, window, limits, on_limit } as unknown as Json },
      },
    );
    if (!result.ok) continue;
    deps.budgets.outdate();
    return { created: before === undefined };
  }
}

/** The budget that the flags of `serve` set. */
const MODEL_BUDGET = "model-budget";

/**
 * The reference's two flags are a daemon budget without an end (02-A6). Set when they are given and say something else
 * than what is stored; left alone without them, so that a restart neither makes nor removes a budget by itself.
 */
export async function keepModelBudget(deps: BudgetDeps, limits: BudgetLimits | undefined): Promise<void> {
  if (limits === undefined) return;
  const known = await read(deps.store, "budget", MODEL_BUDGET);
  if (known !== undefined && digest(known.data.limits as Json) === digest(limits as Json)) return;
  const definition: Definition = {
    scope: { kind: "daemon" },
    window: { kind: "total" },
    limits,
    on_limit: known?.data.on_limit ?? "ask",
  };
  await setBudget(deps, MODEL_BUDGET, definition, { by: { principal: "serve" } });
}

/** Removes a budget; runs that wait for it go on. */
export async function deleteBudget(deps: BudgetDeps, budgetId: string, by: Changer): Promise<void> {
  for (;;) {
    const { revision } = await requireBudget(deps.store, budgetId);
    const result = await deps.audit.commitAdmin(
      [
        { op: "delete", kind: "budget", id: budgetId, expectedRevision: revision },
        ...changed(budgetId, "budget_deleted", {}, by.principal, deps.clock.now()),
      ],
      { ...by, target: `budgets/${budgetId}`, change: { deleted: budgetId } },
    );
    if (!result.ok) continue;
    deps.budgets.outdate();
    return;
  }
}

/** Said in the journal, which other daemons read, and to those who wait for the budget. */
function changed(
  budgetId: string,
  type: string,
  data: { [key: string]: Json },
  principal: string,
  now: number,
): Op[] {
  return [
    {
      op: "append",
      stream: BUDGET_STREAM,
      events: [{ type, atMs: now, data: { budget_id: budgetId, ...data, principal } }],
    },
    { op: "enqueue", queue: TIMER_QUEUE, key: budgetTimer(budgetId), dueAtMs: now, payload: null },
  ];
}

function recordOf(
  budgetId: string,
  { scope, window, limits, on_limit }: Definition,
  before: BudgetRecord | undefined,
  principal: string,
  now: number,
): BudgetRecord {
  const counts = before !== undefined && isSameCounting(before, scope, window);
  return {
    budget_id: budgetId,
    scope,
    window,
    limits,
    on_limit,
    // Two countings of one budget never share a name, however fast they follow one another.
    counted_since_ms: counts ? before.counted_since_ms : Math.max(now, (before?.counted_since_ms ?? 0) + 1),
    created_at_ms: before?.created_at_ms ?? now,
    updated_at_ms: now,
    updated_by: principal,
  };
}

function isSameCounting(before: BudgetRecord, scope: BudgetScope, window: BudgetWindow): boolean {
  return (
    before.scope.kind === scope.kind &&
    before.scope.id === scope.id &&
    before.window.kind === window.kind &&
    (before.window.timezone ?? "UTC") === (window.timezone ?? "UTC")
  );
}

function checkRevision(
  budgetId: string,
  before: Kept<"budget"> | undefined,
  expected: number | undefined,
): void {
  const revision = before?.revision ?? 0;
  if (expected === undefined || expected === revision) return;
  if (expected === 0) {
    throw problem("budgets", "budget_already_exists", `budget '${budgetId}' exists; replace it with PUT`);
  }
  throw problem(
    "budgets",
    "budget_revision_conflict",
    `budget '${budgetId}' is at revision ${revision}, not ${expected}; read it again and repeat`,
  );
}

async function checkDefinition(deps: BudgetDeps, budgetId: string, definition: Definition): Promise<void> {
  const { scope, window, limits } = definition;
  if (!BUDGET_ID.test(budgetId)) {
    throw invalid("budget_id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -", "/budget_id");
  }
  if (BUDGET_MEASURES.every((measure) => limits[measure] === undefined)) {
    throw invalid(`limits must hold at least one of ${BUDGET_MEASURES.join(", ")}`, "/limits");
  }
  if (window.timezone !== undefined && !isTimezone(window.timezone)) {
    throw invalid(
      `'${window.timezone}' is no IANA time zone; use a name such as Europe/Paris`,
      "/window/timezone",
    );
  }
  await checkScope(deps, scope);
  if (limits.cost_microusd !== undefined) checkPrices(deps, scope);
}

async function checkScope({ store, routes }: BudgetDeps, { kind, id }: BudgetScope): Promise<void> {
  if (kind === "project") {
    throw problem(
      "budgets",
      "budget_scope_unsupported",
      "this daemon has no projects; use scope kind daemon, route, session or run",
      { errors: [{ path: "/scope/kind", message: "not supported yet" }] },
    );
  }
  if (id === undefined) return;
  if (kind === "daemon") throw invalid("a budget of the daemon has no id", "/scope/id");
  if (kind === "run") await requireRun(store, id);
  const known = routes.routes().map(({ route_id }) => route_id);
  if (kind === "route" && !known.includes(id)) {
    throw invalid(`no route '${id}'; routes are ${known.join(", ") || "none"}`, "/scope/id");
  }
}

/** Where no covered route has a price, a limit of cost could only ever refuse. */
function checkPrices(deps: BudgetDeps, scope: BudgetScope): void {
  const unpriced = unpricedRoutes(deps, scope);
  const covered = coveredRoutes(deps.routes, scope);
  if (covered.length === 0 || unpriced.length < covered.length) return;
  throw problem(
    "budgets",
    "budget_price_unknown",
    `what models cost is not known on ${unpriced.join(", ")}; give the route its prices, or limit tokens or model_calls instead`,
    { errors: [{ path: "/limits/cost_microusd", message: "no covered route has a known price" }] },
  );
}

/** Routes that a budget covers and whose current model has no known price. */
export function unpricedRoutes(
  { routes, prices }: { routes: RouteResolver; prices: PricePort },
  scope: BudgetScope,
): string[] {
  const nothing = { input_tokens: 0, output_tokens: 0 };
  return coveredRoutes(routes, scope)
    .filter(({ route_id, provider, model }) => {
      return prices.priceOf({ route_id, driver: provider, model }, model, nothing) === undefined;
    })
    .map(({ route_id }) => route_id);
}

function coveredRoutes(routes: RouteResolver, { kind, id }: BudgetScope) {
  return routes.routes().filter(({ route_id }) => kind !== "route" || id === undefined || id === route_id);
}

function invalid(detail: string, path: string) {
  return problem("budgets", "budget_invalid_request", detail, { errors: [{ path, message: detail }] });
}

/** The budget began anew, was extended, changed or removed: whoever waits for it and may go on is told. */
export async function wakeBudget(deps: CommandDeps, budgetId: string): Promise<TooEarly | undefined> {
  const waiting = await asking(deps.store, budgetId, WAKE_PAGE);
  let left = 0;
  for (const { id } of waiting) {
    const passed = await passApproval(deps, id, async ({ budget }, nowMs) =>
      budget === undefined ? undefined : roomFor(deps.store, budget, nowMs),
    );
    if (!passed) left += 1;
  }
  const now = deps.clock.now();
  // Only those who may not go on yet are still asking: the rest of them is looked at next.
  if (waiting.length === WAKE_PAGE && left < WAKE_PAGE) return { dueAtMs: now };
  await clearOld(deps.store, budgetId, now);
  const resetsAtMs = left === 0 ? undefined : await nextReset(deps.store, budgetId, now);
  return resetsAtMs === undefined ? undefined : { dueAtMs: resetsAtMs };
}
