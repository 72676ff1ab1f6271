import { BudgetScope, type SetBudgetRequest } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { Cli } from "../cli.ts";
import { UsageError } from "../errors.ts";
import { decimalNumber, wholeNumber } from "../flags/numbers.ts";
import { present } from "../present.ts";
import { budgetDetail, budgetTable } from "../views/budget.ts";

interface SetFlags {
  scope: BudgetScope["kind"];
  scopeId?: string;
  window: SetBudgetRequest["window"]["kind"];
  timezone?: string;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  costUsd?: number;
  modelCalls?: number;
  wallTimeMs?: number;
  onLimit: SetBudgetRequest["on_limit"];
  expectedRevision?: number;
}

const MICRO = 1_000_000;

export function define(budgets: Command, cli: Cli): void {
  budgets
    .command("list")
    .description("All budgets, with what was used of them")
    .action(async () => {
      const client = await cli.client();
      cli.output.print(await client.call("listBudgets"), budgetTable);
    });

  budgets
    .command("get <budget_id>")
    .description("One budget")
    .action(async (budgetId: string) => {
      const client = await cli.client();
      cli.output.print(await client.call("getBudget", { params: { budget_id: budgetId } }), budgetDetail);
    });

  defineSet(budgets, cli);

  budgets
    .command("delete <budget_id>")
    .description("Remove a budget; runs that wait for it go on")
    .action(async (budgetId: string) => {
      const client = await cli.client();
      const done = await client.call("deleteBudget", { params: { budget_id: budgetId } });
      cli.output.print(done, () => `Budget ${budgetId} is removed.`);
    });
}

function defineSet(budgets: Command, cli: Cli): void {
  const amount = wholeNumber(0);
  budgets
    .command("set <budget_id>")
    .description("Set a budget, in the place of the one of that id; give at least one limit")
    .addOption(
      new Option("--scope <kind>", "what it holds for")
        .choices(BudgetScope.shape.kind.options)
        .default("daemon"),
    )
    .option("--scope-id <id>", "the route, session or run; without it the budget holds for each by itself")
    .addOption(
      new Option("--window <kind>", "when it begins anew")
        .choices(["total", "hour", "day", "month"])
        .default("total"),
    )
    .option("--timezone <name>", "whose days and months, such as Europe/Paris; default UTC")
    .option("--input-tokens <n>", "limit", amount)
    .option("--output-tokens <n>", "limit", amount)
    .option("--total-tokens <n>", "limit of input and output together", amount)
    .option("--cost-usd <n>", "limit in US dollars", decimalNumber(0))
    .option("--model-calls <n>", "limit", amount)
    .option("--wall-time-ms <n>", "limit of the time that runs work", amount)
    .addOption(
      new Option("--on-limit <what>", "ask for an extension, or fail the run")
        .choices(["ask", "fail"])
        .default("ask"),
    )
    .option("--expected-revision <n>", "refuse when the budget has changed since; 0: must not exist", amount)
    .action(async (budgetId: string, flags: SetFlags) => {
      const body = definitionFrom(flags);
      const client = await cli.client();
      const budget = await client.call("setBudget", { params: { budget_id: budgetId }, body });
      cli.output.print(budget, budgetDetail);
    });
}

function definitionFrom(flags: SetFlags): SetBudgetRequest {
  const limits = present({
    input_tokens: flags.inputTokens,
    output_tokens: flags.outputTokens,
    total_tokens: flags.totalTokens,
    cost_microusd: flags.costUsd === undefined ? undefined : Math.round(flags.costUsd * MICRO),
    model_calls: flags.modelCalls,
    wall_time_ms: flags.wallTimeMs,
  });
  if (Object.keys(limits).length === 0)
    throw new UsageError("give at least one limit, such as --model-calls");
  return {
    scope: { kind: flags.scope, ...present({ id: flags.scopeId }) },
    window: { kind: flags.window, ...present({ timezone: flags.timezone }) },
    limits,
    on_limit: flags.onLimit,
    ...present({ expected_revision: flags.expectedRevision }),
  };
}
