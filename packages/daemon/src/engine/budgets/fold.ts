import type { RecordedEvent } from "../events.ts";
import { runOf } from "../events.ts";
import type { RunState } from "../state.ts";

/** What an event means for what the active run holds, asks for and has worked. */
export function foldBudget(run: RunState | undefined, event: RecordedEvent): void {
  if (run === undefined || runOf(event) !== run.run_id) return;
  switch (event.type) {
    case "budget_reserved":
      run.hold = event.data.hold;
      run.active_since_wake = true;
      delete run.budget_busy;
      charged(run, event.atMs);
      return;
    case "budget_settled":
      delete run.hold;
      charged(run, event.atMs);
      return;
    case "budget_busy":
      run.budget_busy = true;
      run.active_since_wake = false;
      waits(run, event.atMs);
      return;
    case "waiting_for_approval": {
      const asked = event.data.requests.find(({ budget_id }) => budget_id !== undefined);
      if (asked?.budget_id !== undefined) {
        run.budget_ask = { approval_id: asked.id, budget_id: asked.budget_id };
      }
      waits(run, event.atMs);
      return;
    }
    case "waiting_for_user_question":
      waits(run, event.atMs);
      return;
    case "approval_resolved": {
      const answer = event.data.resolutions.find((one) => one.request_id === run.budget_ask?.approval_id);
      if (answer?.behavior === "deny") run.budget_denied = denied(run, answer.reason, event.data.decided_by);
      if (answer !== undefined) delete run.budget_ask;
      if (event.data.pending.length === 0) run.worked.since_ms = event.atMs;
      return;
    }
    case "user_question_resolved":
      run.worked.since_ms = event.atMs;
      return;
    case "resumed":
      // Nobody worked while the daemon was down.
      run.worked.since_ms = event.atMs;
      return;
  }
}

/** Time that a run worked up to now. */
export function workedMs({ worked }: RunState, nowMs: number): number {
  return worked.ms + (worked.since_ms === undefined ? 0 : Math.max(0, nowMs - worked.since_ms));
}

function charged(run: RunState, atMs: number): void {
  run.worked = { ms: 0, since_ms: atMs };
}

function waits(run: RunState, atMs: number): void {
  run.worked = { ms: workedMs(run, atMs) };
}

function denied(run: RunState, reason: string | undefined, by: string): string {
  const why = reason === undefined ? "" : `: ${reason}`;
  return `budget '${run.budget_ask?.budget_id}' is used up, and ${by} did not extend it${why}`;
}
