import type { BudgetsStatus, DaemonCapabilities, DaemonStatusView, RunsStatus } from "@kheish/contract";
import { fields } from "../output/fields.ts";
import type { Style } from "../output/output.ts";
import { counted, oneLine } from "../output/text.ts";
import { paintSeverity } from "./severity.ts";

export function statusDetail(status: DaemonStatusView, style: Style): string {
  const { control_plane, storage, provider_readiness, runs, events } = status;
  const facts = fields(
    [
      ["daemon", `${status.status} at ${control_plane.base_url}, process ${status.process_id}`],
      ["access", control_plane.auth_enabled ? "bearer token" : "open"],
      ["storage", `${storage.engine} ${storage.ok ? "ok" : "FAILING"}, schema ${storage.schema_version}`],
      [
        "routes",
        `${provider_readiness.ready_route_count} of ${provider_readiness.route_count} ready, ` +
          `default ${status.runtime.route_id ?? "none"}`,
      ],
      ["permission mode", status.runtime.permission_mode],
      ["sessions", status.sessions.total],
      ["runs", runsText(runs)],
      ["waiting", waitingText(runs)],
      ["budgets", status.budgets && budgetsText(status.budgets)],
      ["events", `${events.subscriber_count} subscribers, newest ${events.newest_event_id ?? "none"}`],
    ],
    style,
  );
  const warnings = status.health.warnings.map(
    ({ severity, message, action }) =>
      `${paintSeverity(severity, style.colors)} ${oneLine(message)}${action ? ` (${oneLine(action)})` : ""}`,
  );
  return [facts, ...(warnings.length > 0 ? ["", ...warnings] : [])].join("\n");
}

function runsText(runs: RunsStatus): string {
  const shown = ["running", "queued", "completed", "failed", "interrupted", "cancelled"] as const;
  const parts = shown.filter((name) => runs[name] > 0).map((name) => `${runs[name]} ${name}`);
  return [`${runs.total} in all`, ...parts].join(", ");
}

function budgetsText({
  total,
  exhausted_budget_ids: used,
  waiting_run_count: waiting,
}: BudgetsStatus): string {
  const exhausted = used.length === 0 ? "" : `, used up: ${used.join(", ")}`;
  return `${total}${exhausted}${waiting === 0 ? "" : `, ${waiting} runs wait`}`;
}

function waitingText(runs: RunsStatus): string {
  return `${counted(runs.pending_approval_count, "approval")}, ${counted(runs.pending_question_count, "question")}`;
}

export function capabilityList(capabilities: DaemonCapabilities, style: Style): string {
  return fields(
    Object.entries(capabilities).map(([name, value]) => [
      name.replaceAll("_", " "),
      typeof value === "boolean" ? (value ? "yes" : "no") : value,
    ]),
    style,
  );
}
