import { z } from "zod";
import { Millis } from "./json.ts";
import { ChosenId } from "./pagination.ts";

/** `failed` runs carry it as their `error_code`: a budget with `on_limit: fail` is used up, or its extension was denied. */
export const BUDGET_EXHAUSTED = "budget_exhausted";
/** A budget of cost covers a call that nobody knows the price of: nothing is silently free. */
export const BUDGET_PRICE_UNKNOWN = "budget_price_unknown";
/** What an approval asks for that would extend a budget, in the place of a tool. */
export const EXTEND_BUDGET = "extend_budget";

const Amount = z.int().nonnegative();

export const BudgetScope = z
  .strictObject({
    kind: z.enum(["daemon", "route", "session", "run", "project"]),
    id: z
      .string()
      .min(1)
      .optional()
      .describe("of a route, session or run; without one the budget holds for each of them by itself"),
  })
  .meta({ id: "BudgetScope" });
export type BudgetScope = z.infer<typeof BudgetScope>;

export const BudgetWindow = z
  .strictObject({
    kind: z.enum(["total", "hour", "day", "month"]),
    timezone: z.string().optional().describe("IANA name, such as Europe/Paris; default UTC"),
  })
  .meta({ id: "BudgetWindow" });
export type BudgetWindow = z.infer<typeof BudgetWindow>;

/** What a budget may count. An absent limit is none. */
export const BudgetLimits = z
  .strictObject({
    input_tokens: Amount.optional(),
    output_tokens: Amount.optional(),
    total_tokens: Amount.optional().describe("input and output together"),
    cost_microusd: Amount.optional().describe("millionths of a US dollar"),
    model_calls: Amount.optional().describe("answers asked for; a provider's retries of one are one call"),
    wall_time_ms: Amount.optional().describe("time that runs worked, without their waits"),
  })
  // What is missing here is refused by the service, whose code says so.
  .meta({ id: "BudgetLimits", minProperties: 1 });
export type BudgetLimits = z.infer<typeof BudgetLimits>;
export type BudgetMeasure = keyof BudgetLimits;
export const BUDGET_MEASURES = Object.keys(BudgetLimits.shape) as BudgetMeasure[];

const definition = {
  scope: BudgetScope,
  window: BudgetWindow.default({ kind: "total" }),
  limits: BudgetLimits,
  on_limit: z
    .enum(["ask", "fail"])
    .default("ask")
    .describe("ask: the run waits for an approval to extend; fail: it fails with budget_exhausted"),
};

export const SetBudgetRequest = z
  .strictObject({
    ...definition,
    expected_revision: z.int().nonnegative().optional().describe("0: there must be none yet"),
  })
  .meta({ id: "SetBudgetRequest" });
export type SetBudgetRequest = z.infer<typeof SetBudgetRequest>;

export const CreateBudgetRequest = z
  .strictObject({ budget_id: ChosenId.optional().describe("default: one that is free"), ...definition })
  .meta({ id: "CreateBudgetRequest" });
export type CreateBudgetRequest = z.infer<typeof CreateBudgetRequest>;

export const BudgetAmounts = z
  .object({
    input_tokens: z.int(),
    output_tokens: z.int(),
    total_tokens: z.int(),
    cost_microusd: z.int(),
    model_calls: z.int(),
    wall_time_ms: z.int(),
  })
  .meta({ id: "BudgetAmounts" });
export type BudgetAmounts = z.infer<typeof BudgetAmounts>;

/** What one run, session, route or the daemon has used of a budget in the window that is open now. */
export const BudgetUse = z
  .object({
    budget_id: z.string(),
    scope: BudgetScope,
    window: BudgetWindow,
    limits: BudgetLimits,
    on_limit: z.enum(["ask", "fail"]),
    extended: BudgetLimits.optional().describe("what approvals have added to the limits in this window"),
    used: BudgetAmounts,
    reserved: BudgetAmounts.describe("held for calls that are under way"),
    resets_at_ms: Millis.optional().describe("absent: never"),
  })
  .meta({ id: "BudgetUse" });
export type BudgetUse = z.infer<typeof BudgetUse>;

export const BudgetView = BudgetUse.extend({
  used: BudgetAmounts.optional().describe("absent where the budget holds for each: see the run or session"),
  reserved: BudgetAmounts.optional(),
  revision: z.int(),
  created_at_ms: Millis,
  updated_at_ms: Millis,
  updated_by: z.string(),
  waiting_run_count: z.int().describe("runs that wait for it to be extended or to begin anew"),
  unpriced_routes: z
    .array(z.string())
    .optional()
    .describe("routes it covers whose cost is not known: a call there is refused while cost is limited"),
}).meta({ id: "BudgetView" });
export type BudgetView = z.infer<typeof BudgetView>;

export const BudgetList = z.object({ budgets: z.array(BudgetView) }).meta({ id: "BudgetList" });
export type BudgetList = z.infer<typeof BudgetList>;

export const BudgetDeleted = z.object({ accepted: z.literal(true) });

/** In the operator's snapshot, when there is any. */
export const BudgetsStatus = z
  .object({
    total: z.int(),
    exhausted_budget_ids: z.array(z.string()).describe("with a limit that is wholly used or held"),
    waiting_run_count: z.int(),
  })
  .meta({ id: "BudgetsStatus" });
export type BudgetsStatus = z.infer<typeof BudgetsStatus>;
