import { isProblem, type SessionGoal } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { previewOf } from "../commands/preview.ts";
import { planRoute } from "../commands/route-plan.ts";
import type { UserMessage } from "../messages.ts";
import type { RouteResolver } from "../ports.ts";
import { queuedRun } from "../queued-run.ts";
import type { RunRecord, SessionRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { acceptRun, isTopologyIdle } from "../transitions.ts";
import { bindingOf, remainingTokens, revised, wants } from "./goal.ts";

export interface ContinuationDeps {
  store: Store;
  routes: RouteResolver;
}

/** How long a goal waits after what may pass by itself. */
export const GOAL_RETRY_MS = 60_000;

/**
 * Begins the goal's next run, when it wants one and nobody is at work in the session: at most one at a time, for the
 * guarded commit that begins it also takes the session's slot (01-R68). Answers the goal as it then is.
 */
export async function continueGoal(
  deps: ContinuationDeps,
  change: SessionChange,
  goal: SessionGoal,
  previousRunId?: string,
): Promise<SessionGoal> {
  const kind = wants(goal);
  if (kind === undefined || !isTopologyIdle(change.session)) return goal;
  const route = readyRoute(deps, change.session);
  if (route === undefined) {
    remindOfGoal(change, goal, GOAL_RETRY_MS);
    return goal;
  }
  const runId = `run-${await deps.store.reserveIds("run", 1)}`;
  const input = continuationInput(goal, runId, kind);
  const next = {
    ...goal,
    last_continuation_run_id: runId,
    ...(kind === "wrap_up" ? { budget_wrapup_run_id: runId } : {}),
  };
  const bound = revised(goal, next, change.now);
  acceptRun(change, continuationRun(change, bound, route, kind, runId, previousRunId), input);
  return bound;
}

/** Looks at the goal again later. */
export function remindOfGoal(change: SessionChange, goal: SessionGoal, delayMs: number): void {
  change.remind(`goal/${goal.session_id}`, change.now + delayMs);
}

type Route = ReturnType<typeof planRoute>;

/** A route that cannot be used now must not keep the commit from landing that asks for it. */
function readyRoute({ routes }: ContinuationDeps, session: SessionRecord): Route | undefined {
  try {
    return planRoute(routes, session, {});
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

function continuationRun(
  change: SessionChange,
  goal: SessionGoal,
  { route, generation }: Route,
  kind: "work" | "wrap_up",
  runId: string,
  previousRunId: string | undefined,
): RunRecord {
  return queuedRun(change.session, change.now, {
    run_id: runId,
    kind: "goal_continuation",
    request: {
      source_plugin: "daemon",
      source_kind: "goal_continuation",
      actor_id: "daemon",
      text_preview: previewOf(goal.objective),
    },
    route,
    generation,
    input_metadata: {
      daemon: {
        ...bindingOf(goal),
        ...(previousRunId === undefined ? {} : { previous_run_id: previousRunId }),
        budget_wrapup: kind === "wrap_up",
      },
    },
    reply_targets: change.session.reply_targets ?? [],
    principal: "daemon",
  });
}

/** What the model is told: the goal, what is left of the budget, and how the goal ends. */
function continuationInput(goal: SessionGoal, runId: string, kind: "work" | "wrap_up"): UserMessage {
  const left = remainingTokens(goal);
  const budget =
    left === undefined ? "It has no token budget." : `${left} of its ${goal.token_budget} tokens are left.`;
  const lines =
    kind === "work"
      ? [
          "The daemon continues the session's goal; no person has just written.",
          `Goal: ${goal.objective}`,
          budget,
          "See what is done already, then do what comes next. When the goal is reached and you have checked that it is, call update_goal with status complete. When only a person can help, ask.",
        ]
      : [
          "The token budget of the session's goal is used up; no person has just written.",
          `Goal: ${goal.objective}`,
          "Begin nothing new. Report what is done, what is left and what the next step would be. Only if the goal is reached already, call update_goal with status complete.",
        ];
  const parts = [{ type: "text" as const, text: lines.join("\n") }];
  return { role: "user", id: `msg-${runId}`, synthetic: true, parts };
}
