import type { JsonObject, ListPage, TaskOutputView, TaskRecord } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import { itemsOf, type Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { age } from "../output/time.ts";
import { pageFooter } from "./page-footer.ts";

export function taskTable(list: TaskRecord[] | ListPage<TaskRecord>, style: Style): string {
  const tasks = itemsOf(list);
  if (tasks.length === 0) return "No tasks.";
  return (
    table(
      tasks,
      [
        { title: "TASK", value: ({ id }) => id, keep: true },
        { title: "STATUS", value: ({ status }) => status },
        { title: "CREATED", value: ({ created_at_ms }) => age(created_at_ms, style.now) },
        { title: "TITLE", value: ({ title }) => title },
      ],
      style,
    ) + pageFooter(list, style)
  );
}

export function taskDetail(task: TaskRecord, style: Style): string {
  const known = (isObject(task.metadata) ? task.metadata : {}) as JsonObject;
  const text = (name: string) => (known[name] === undefined ? undefined : String(known[name]));
  return fields(
    [
      ["task", task.id],
      ["title", task.title],
      ["status", task.status],
      ["command", text("command")],
      ["exit code", text("exit_code")],
      ["ended by", text("terminal_reason")],
      ["sandbox", text("sandbox")],
      ["output bytes", text("output_total_bytes")],
      ["outcome", task.output],
      ["blocked by", task.blocked_by.join(", ") || undefined],
      ["blocks", task.blocks.join(", ") || undefined],
      ["created", age(task.created_at_ms, style.now)],
      ["updated", age(task.updated_at_ms, style.now)],
    ],
    style,
  );
}

export function taskOutput(view: TaskOutputView, style: Style): string {
  const shown = view.output_text ?? view.output_excerpt ?? "";
  const cut = view.output_truncated
    ? style.colors.dim("[... only the end is shown; --full shows all ...]\n")
    : "";
  const state = view.retrieval_status === "success" ? view.task.output : "still at work";
  const foot = style.colors.dim(`${view.task.status}${state === undefined ? "" : `: ${printable(state)}`}`);
  return `${cut}${printable(shown).trimEnd()}\n${foot}`;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
