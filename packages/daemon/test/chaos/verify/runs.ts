import { isTerminal, type RunView, type SessionEventLog } from "@kheish/contract";
import type { Caller } from "../load/caller.ts";
import type { Acknowledged } from "../load/people.ts";
import type { Acceptance } from "../load/submitters.ts";
import { callHistories } from "./call-history.ts";
import { checkCall, type WorldView } from "./effects.ts";
import type { Findings } from "./findings.ts";

export interface RunCounts {
  settled: number;
  completed: number;
  takeovers: number;
  unknown: number;
  /** A tool told the model that the answer to its one request was lost. */
  unknownTold: number;
  givenUp: number;
}

/** Fetches every session's runs and history and holds them against what was submitted, decided and done. */
export async function checkRuns(
  caller: Caller,
  accepted: readonly Acceptance[],
  acknowledged: Acknowledged,
  world: ReadonlyMap<string, WorldView>,
  findings: Findings,
): Promise<{ counts: RunCounts; logs: SessionEventLog[] }> {
  const counts: RunCounts = {
    settled: 0,
    completed: 0,
    takeovers: 0,
    unknown: 0,
    unknownTold: 0,
    givenUp: 0,
  };
  const logs: SessionEventLog[] = [];
  for (const [session, of] of Map.groupBy(accepted, ({ run }) => run.session)) {
    const views = await caller.get<RunView[]>(`/v1/runs?session_id=${session}`);
    const log = await caller.get<SessionEventLog>(`/v1/sessions/${session}/events`);
    logs.push(log);
    checkSubmissions(session, of, views, findings);
    checkDecisions(log, acknowledged, findings);
    checkCalls(of, views, log, world, counts, findings);
    counts.settled += views.filter((view) => isTerminal(view.status)).length;
    counts.completed += views.filter((view) => view.status === "completed").length;
    counts.takeovers += views.reduce((sum, view) => sum + (view.usage?.restarts ?? 0), 0);
  }
  return { counts, logs };
}

function checkSubmissions(
  session: string,
  accepted: readonly Acceptance[],
  views: readonly RunView[],
  findings: Findings,
): void {
  for (const { run, runId, again } of accepted) {
    const view = views.find((one) => one.run_id === runId);
    if (view === undefined) findings.add("lost", `run ${runId} (${run.key}) was accepted and does not exist`);
    else if (!isTerminal(view.status))
      findings.add("lost", `run ${runId} (${run.key}) never settled: ${view.status}`);
    if (again !== undefined && again !== runId)
      findings.add("repeated", `${run.key} was submitted twice and made two runs: ${runId} and ${again}`);
  }
  const known = new Set(accepted.map(({ runId }) => runId));
  for (const { run_id } of views)
    if (!known.has(run_id))
      findings.add("repeated", `session ${session} has a run nobody submitted: ${run_id}`);
}

/** Each request is decided once, and no other decision was acknowledged to anybody. */
function checkDecisions(log: SessionEventLog, acknowledged: Acknowledged, findings: Findings): void {
  const decided = new Map<string, string>();
  for (const { run_id: runId, event } of log.run_events) {
    if (event.type !== "approval_resolved") continue;
    for (const { request_id: requestId, behavior } of event.resolutions) {
      const name = `${runId} ${requestId}`;
      if (decided.has(name)) findings.add("repeated", `approval ${name} was decided twice`);
      decided.set(name, behavior);
    }
  }
  const runs = new Set(log.run_events.map(({ run_id }) => run_id));
  for (const [name, behaviors] of acknowledged) {
    if (!runs.has(name.split(" ")[0] ?? "")) continue;
    for (const behavior of behaviors)
      if (decided.get(name) !== behavior)
        findings.add(
          "lost",
          `'${behavior}' was acknowledged for approval ${name}: it is ${decided.get(name)}`,
        );
  }
}

function checkCalls(
  accepted: readonly Acceptance[],
  views: readonly RunView[],
  log: SessionEventLog,
  world: ReadonlyMap<string, WorldView>,
  counts: RunCounts,
  findings: Findings,
): void {
  const histories = callHistories(log);
  for (const { run, runId } of accepted) {
    const isComplete = views.find((view) => view.run_id === runId)?.status === "completed";
    for (const call of run.calls) {
      const history = histories.get(call.label);
      if (isComplete && history === undefined)
        findings.add("lost", `${call.label} (${call.kind}): the run completed without it`);
      checkCall(call, history, world.get(call.label) ?? { done: 0, keys: new Set() }, findings);
      if (history?.outcome === "unknown") counts.unknown += 1;
      if (history?.isToldUnknown) counts.unknownTold += 1;
      if (history?.isGivenUp) counts.givenUp += 1;
    }
  }
}
