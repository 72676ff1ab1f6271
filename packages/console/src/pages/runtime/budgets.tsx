import type { BudgetLimits, BudgetScope, BudgetView, BudgetWindow } from "@kheish/sdk";
import { useQuery } from "@tanstack/react-query";
import { kheish } from "../../app/client.ts";
import { ConfirmButton } from "../../ui/confirm.tsx";
import { ChangeForm, Disclosure, type Fields, SelectField, TextField } from "../../ui/form.tsx";
import { Loaded } from "../../ui/loaded.tsx";
import { duration, Empty, money, Time } from "../../ui/parts.tsx";
import { ACTS, Acts, Cell, Row, Table } from "../../ui/table.tsx";
import { useChange } from "../../ui/use-change.ts";
import { budgetsQuery } from "./queries.ts";

const STALE = ["budgets"];

type Measure = keyof BudgetLimits;
const count = (amount: number) => amount.toLocaleString();
const MEASURES: readonly (readonly [measure: Measure, name: string, show: (amount: number) => string])[] = [
  ["cost_microusd", "cost", money],
  ["total_tokens", "tokens", count],
  ["input_tokens", "input tokens", count],
  ["output_tokens", "output tokens", count],
  ["model_calls", "model calls", count],
  ["wall_time_ms", "working time", duration],
];

/** What the daemon's work may use, and has used. */
export function Budgets() {
  return (
    <div className="grid gap-4">
      <Loaded query={useQuery(budgetsQuery)}>
        {(budgets) =>
          budgets.length === 0 ? (
            <Empty>No budget: nothing but a run's own limits ends it.</Empty>
          ) : (
            <Table columns={["Budget", "Used", "At the limit", ACTS]}>
              {budgets.map((budget) => (
                <Budget key={budget.budget_id} budget={budget} />
              ))}
            </Table>
          )
        }
      </Loaded>
      <CreateBudget />
    </div>
  );
}

function scopeWords({ kind, id }: BudgetScope): string {
  if (kind === "daemon") return "the whole daemon";
  return id === undefined ? `each ${kind}` : `${kind} ${id}`;
}

function windowWords({ kind, timezone }: BudgetWindow): string {
  if (kind === "total") return "in all";
  return `a ${kind}${timezone === undefined ? "" : `, ${timezone}`}`;
}

function Budget({ budget }: { budget: BudgetView }) {
  const remove = useChange(() => kheish().api.deleteBudget({ params: { budget_id: budget.budget_id } }), {
    stale: STALE,
  });
  return (
    <Row>
      <Cell name="Budget">
        <b>{budget.budget_id}</b>
        <div className="text-soft">
          {scopeWords(budget.scope)}, {windowWords(budget.window)}
        </div>
      </Cell>
      <Cell name="Used">
        <Use budget={budget} />
        {budget.resets_at_ms !== undefined && (
          <div className="text-soft">
            anew at <Time at={budget.resets_at_ms} />
          </div>
        )}
      </Cell>
      <Cell name="At the limit">
        {budget.on_limit === "ask" ? "asks to extend it" : "the run fails"}
        {budget.waiting_run_count > 0 && (
          <div className="text-wait">{budget.waiting_run_count} runs wait for it</div>
        )}
      </Cell>
      <Cell>
        <Acts>
          <ConfirmButton
            name="Delete"
            what={`Remove the budget ${budget.budget_id}?`}
            change={remove}
            input={() => undefined}
          >
            <p>Nothing of what it covers is held back by it any more; runs that wait for it go on.</p>
          </ConfirmButton>
        </Acts>
      </Cell>
    </Row>
  );
}

function Use({ budget }: { budget: BudgetView }) {
  const { limits, extended, used } = budget;
  const counted = MEASURES.filter(([measure]) => limits[measure] !== undefined);
  return (
    <ul className="grid gap-1">
      {counted.map(([measure, name, show]) => {
        const limit = (limits[measure] ?? 0) + (extended?.[measure] ?? 0);
        const amount = used?.[measure];
        return (
          <li key={measure}>
            {amount === undefined
              ? `${show(limit)} of ${name} each`
              : `${show(amount)} of ${show(limit)} ${measure === "cost_microusd" ? "" : name}`}
            {amount !== undefined && (
              <meter
                className="block h-2 w-full"
                aria-label={`${name} used`}
                max={limit || 1}
                value={Math.min(amount, limit || 1)}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}

function CreateBudget() {
  const create = useChange(
    (fields: Fields) => {
      const budget_id = fields.optional("budget_id");
      const id = fields.optional("scope_id");
      const usd = fields.number("cost_usd");
      const total_tokens = fields.number("total_tokens");
      const model_calls = fields.number("model_calls");
      return kheish().api.createBudget({
        body: {
          ...(budget_id !== undefined && { budget_id }),
          scope: { kind: fields.required("scope") as BudgetScope["kind"], ...(id !== undefined && { id }) },
          window: { kind: fields.required("window") as BudgetWindow["kind"] },
          limits: {
            ...(usd !== undefined && { cost_microusd: Math.round(usd * 1_000_000) }),
            ...(total_tokens !== undefined && { total_tokens }),
            ...(model_calls !== undefined && { model_calls }),
          },
          on_limit: fields.required("on_limit") as "ask" | "fail",
        },
      });
    },
    { stale: STALE },
  );
  return (
    <Disclosure name="Set a budget">
      <ChangeForm change={create} submit="Set budget">
        <div className="grid gap-3 sm:grid-cols-2">
          <TextField label="Name" name="budget_id" hint="Left out: one that is free." />
          <SelectField
            label="For"
            name="scope"
            options={[
              ["daemon", "the whole daemon"],
              ["route", "a route"],
              ["session", "a session"],
              ["run", "a run"],
            ]}
          />
          <TextField
            label="Which one"
            name="scope_id"
            hint="Of a route, session or run; each of them when left out."
          />
          <SelectField
            label="In"
            name="window"
            options={[
              ["total", "all time"],
              ["hour", "an hour"],
              ["day", "a day"],
              ["month", "a month"],
            ]}
          />
          <TextField label="Cost in US dollars" name="cost_usd" type="number" min={0} step="any" />
          <TextField label="Tokens" name="total_tokens" type="number" min={0} />
          <TextField label="Model calls" name="model_calls" type="number" min={0} />
          <SelectField
            label="At the limit"
            name="on_limit"
            options={[
              ["ask", "the run waits and asks to extend it"],
              ["fail", "the run fails"],
            ]}
          />
        </div>
      </ChangeForm>
    </Disclosure>
  );
}
