import type { DaemonStatusView } from "@kheish/contract";
import type { DaemonClient } from "../../client/client.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import { probeCors, probeEventStream, probeReadiness, probeStatus, type StatusProbe } from "./probes.ts";

export interface DoctorReport {
  ok: boolean;
  status?: DaemonStatusView;
  status_error?: string;
  session_count: number;
  pending_approvals: number;
  pending_questions: number;
  readyz_reachable: boolean;
  events_stream_reachable: boolean;
  checks: Check[];
  warnings: string[];
  errors: string[];
}

export async function examine(client: DaemonClient, corsOrigin: string | undefined): Promise<DoctorReport> {
  const [probe, readiness, events, cors] = await Promise.all([
    probeStatus(client),
    probeReadiness(client),
    probeEventStream(client),
    corsOrigin === undefined ? [] : probeCors(client, corsOrigin),
  ]);
  const checks = [...statusChecks(probe), readiness, events, cors].flat();
  const messages = (severity: Check["severity"]) =>
    checks.filter((check) => !check.ok && check.severity === severity).map(({ message }) => message);
  return {
    ok: messages("error").length === 0,
    ...(probe.status === undefined ? { status_error: probe.error } : { status: probe.status }),
    session_count: probe.status?.sessions.total ?? 0,
    pending_approvals: probe.status?.runs.pending_approval_count ?? 0,
    pending_questions: probe.status?.runs.pending_question_count ?? 0,
    readyz_reachable: readiness.ok,
    events_stream_reachable: events.ok,
    checks,
    warnings: messages("warning"),
    errors: messages("error"),
  };
}

function statusChecks(probe: StatusProbe): Check[] {
  if (probe.status === undefined) return [failed("status", "status_unreachable", probe.error)];
  return [
    passed("status", "status_reachable", "the daemon answers"),
    // What cannot be written to stands among the warnings.
    ...probe.status.storage.probes
      .filter(({ state }) => state === "ok")
      .map(({ name, path, code, message }) => passed("storage", code, `${name} ${path} ${message}`)),
    ...probe.status.health.warnings.map((warning) => warned("health", warning)),
  ];
}
