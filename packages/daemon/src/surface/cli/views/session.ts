import type { ListPage, SessionView, SessionViewSummary } from "@kheish/contract";
import { type Field, fields } from "../output/fields.ts";
import { itemsOf, type Style } from "../output/output.ts";
import { type Column, table } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { age } from "../output/time.ts";
import { usesText } from "./budget.ts";
import { goalText } from "./goal.ts";
import { pageFooter } from "./page-footer.ts";
import { tokensText } from "./run.ts";
import { paintStatus, statusText } from "./status-color.ts";

export function sessionTable(
  list: SessionViewSummary[] | ListPage<SessionViewSummary>,
  style: Style,
): string {
  const sessions = itemsOf(list);
  if (sessions.length === 0) return "No sessions.";
  return table(sessions, columnsAt(style.now), style) + pageFooter(list, style);
}

function columnsAt(now: number): Column<SessionViewSummary>[] {
  return [
    { title: "SESSION", value: (session) => session.session_id, keep: true },
    {
      title: "STATUS",
      value: (session) => (session.ended_at_ms === undefined ? statusText(session.status) : "ended"),
      paint: (text, session, colors) => paintStatus(text, session.status, colors),
    },
    { title: "RUN", value: (session) => session.active_run_id, keep: true },
    { title: "QUEUED", value: (session) => session.queued_run_count || undefined },
    { title: "WAITING", value: waitingText },
    { title: "UPDATED", value: (session) => age(session.updated_at_ms, now) },
    { title: "CREATED", value: (session) => age(session.created_at_ms, now) },
  ];
}

function waitingText(session: SessionViewSummary): string {
  return [
    session.pending_approvals > 0 ? count(session.pending_approvals, "approval") : [],
    session.pending_questions > 0 ? count(session.pending_questions, "question") : [],
  ]
    .flat()
    .join(", ");
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function sessionDetail(session: SessionView, style: Style): string {
  const { status } = session.snapshot.agent;
  const title = `${style.colors.bold(printable(session.session_id))}  ${paintStatus(statusText(status), status, style.colors)}`;
  const lastMessage = session.snapshot.last_assistant_message;
  return [
    title,
    fields(detailFields(session, style.now), style),
    ...(lastMessage === null ? [] : ["", printable(lastMessage)]),
  ].join("\n");
}

function detailFields(session: SessionView, now: number): Field[] {
  const { snapshot } = session;
  return [
    ["agent", session.agent_id],
    ["created", age(session.created_at_ms, now)],
    ["updated", age(session.updated_at_ms, now)],
    ["ended", session.ended_at_ms && `${age(session.ended_at_ms, now)} ${session.ended_reason ?? ""}`],
    ["active run", session.active_run_id],
    ["queued runs", session.queued_run_count || undefined],
    ["approvals", snapshot.pending_approvals.map(({ id }) => id).join(", ")],
    ["questions", snapshot.pending_questions.map(({ id }) => id).join(", ")],
    ["goal", session.goal && goalText(session.goal)],
    ["route", routeText(session)],
    ["capability scope", jsonOrNothing(session.capability_scope)],
    ["credential scope", jsonOrNothing(session.credential_scope)],
    ["reply targets", session.reply_targets?.map(({ plugin }) => plugin).join(", ")],
    ["tokens", session.usage && tokensText(session.usage)],
    ["budgets", session.budgets && usesText(session.budgets)],
    ["last error", snapshot.last_error ?? undefined],
  ];
}

function routeText({ route_policy: policy }: SessionView): string | undefined {
  if (policy === undefined) return undefined;
  return [policy.provider ?? policy.route_id, policy.generation?.model].filter(Boolean).join("/");
}

function jsonOrNothing(value: object | undefined): string | undefined {
  return value && JSON.stringify(value);
}
