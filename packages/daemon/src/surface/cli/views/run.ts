import type { ApprovalRequest, ListPage, RunView } from "@kheish/contract";
import { type Field, fields } from "../output/fields.ts";
import { itemsOf, type Style } from "../output/output.ts";
import { type Column, table } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { age, duration } from "../output/time.ts";
import { usesText } from "./budget.ts";
import { pageFooter } from "./page-footer.ts";
import { paintStatus, statusText } from "./status-color.ts";

export function runTable(list: RunView[] | ListPage<RunView>, style: Style): string {
  const runs = itemsOf(list);
  if (runs.length === 0) return "No runs.";
  return table(runs, columnsAt(style.now), style) + pageFooter(list, style);
}

function columnsAt(now: number): Column<RunView>[] {
  return [
    { title: "RUN", value: (run) => run.run_id, keep: true },
    { title: "SESSION", value: (run) => run.session_id, keep: true },
    {
      title: "STATUS",
      value: (run) => statusText(run.status),
      paint: (text, run, colors) => paintStatus(text, run.status, colors),
    },
    { title: "MODEL", value: runModel },
    { title: "SUBMITTED", value: (run) => age(run.submitted_at_ms, now) },
    { title: "TOOK", value: (run) => tookText(run, now) },
    { title: "INPUT", value: (run) => run.request.text_preview },
  ];
}

/** `route/model`, as far as it is known. */
export function runModel(run: RunView): string {
  return [run.request.provider, run.request.model].filter((part) => part !== undefined).join("/");
}

function tookText(run: RunView, now: number): string | undefined {
  return run.started_at_ms === undefined
    ? undefined
    : duration((run.finished_at_ms ?? now) - run.started_at_ms);
}

/** Everything about one run that a person asks for first, its outputs last. */
export function runDetail(run: RunView, style: Style): string {
  const { colors } = style;
  const title = `${colors.bold(run.run_id)}  ${paintStatus(statusText(run.status), run.status, colors)}`;
  const parts = [title, fields(detailFields(run, style.now), style)];
  for (const approval of run.pending_approvals ?? []) parts.push("", wantedText(approval, style));
  for (const output of run.outputs ?? []) parts.push("", printable(output.content));
  return parts.join("\n");
}

/** What would run, in full: it is what somebody is about to answer for. */
function wantedText({ tool_name, input }: ApprovalRequest, { colors }: Style): string {
  return `${colors.bold(tool_name)} would run with\n${printable(JSON.stringify(input, undefined, 2))}`;
}

function detailFields(run: RunView, now: number): Field[] {
  return [
    ["session", run.session_id],
    ["kind", run.kind],
    ["model", runModel(run)],
    ["fallback", fallbackText(run)],
    ["submitted", age(run.submitted_at_ms, now)],
    ["queued at", run.queued_position],
    ["took", tookText(run, now)],
    ["tokens", run.usage && tokensText(run.usage)],
    ["cost", run.usage && costText(run.usage)],
    ["input", run.request.text_preview],
    ["approvals", run.pending_approvals?.map(({ id, tool_name }) => `${id} (${tool_name})`).join(", ")],
    ["questions", run.pending_question_ids?.join(", ")],
    ["budgets", run.budgets && usesText(run.budgets)],
    ["error", run.error],
  ];
}

export function targetText({ route_id, model }: { route_id: string; model: string }): string {
  return `${route_id}/${model}`;
}

/** The steps taken down the chain; before the first, where it would go. */
function fallbackText({ route, fallbacks = [] }: RunView): string | undefined {
  if (fallbacks.length > 0) {
    return fallbacks.map(({ to, error_class }) => `${targetText(to)} (${error_class})`).join(", then ");
  }
  const chain = route?.fallback;
  return (
    chain &&
    `none taken; on ${(route.fallback_on ?? []).join(", ")}: ${chain.map(targetText).join(", then ")}`
  );
}

/** Of the calls whose price is known. */
export function costText({ cost_microusd }: { cost_microusd?: number | undefined }): string | undefined {
  return cost_microusd === undefined ? undefined : `$${(cost_microusd / 1_000_000).toFixed(6)}`;
}

export function tokensText(usage: { input_tokens: number; output_tokens: number }): string {
  return `${usage.input_tokens.toLocaleString("en")} in, ${usage.output_tokens.toLocaleString("en")} out`;
}
