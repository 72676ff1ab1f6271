import type { SessionEventLog } from "@kheish/contract";

const STEPS = ["message_appended", "tool_call_started", "tool_call_finished"];
/** Further away than any start takes: the clock was stepped in between. */
const MOST_SECONDS = 120;

/**
 * For each process that took over, the seconds from its start to the first step of a run that it resumed, as the
 * journal dates it. `startsMs` is in the daemon's own time; a process that was killed before it resumed anything
 * has no figure.
 */
export function secondsToFirstResumedStep(
  startsMs: readonly number[],
  logs: readonly SessionEventLog[],
): number[] {
  const steps = logs.flatMap(resumedSteps);
  return startsMs.flatMap((startMs, index) => {
    const nextMs = startsMs[index + 1] ?? Number.POSITIVE_INFINITY;
    const first = Math.min(...steps.filter((atMs) => atMs >= startMs && atMs < nextMs));
    const seconds = (first - startMs) / 1_000;
    return seconds < MOST_SECONDS ? [seconds] : [];
  });
}

/** When the first step after each takeover was written. */
function resumedSteps({ session, run_events }: SessionEventLog): number[] {
  return run_events.flatMap(({ event, run_id: runId, seq }) => {
    if (event.type !== "resumed") return [];
    const step = session.journal.find(
      (entry) => entry.offset > seq && entry.run_id === runId && STEPS.includes(entry.event.type),
    );
    return step === undefined ? [] : [step.timestamp_ms];
  });
}
