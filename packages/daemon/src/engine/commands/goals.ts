import {
  MAX_OBJECTIVE_CHARACTERS,
  type PatchGoalRequest,
  problem,
  type SessionGoal,
  type SetGoalRequest,
} from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { continueGoal } from "../goals/continuation.ts";
import { isSpent, newGoal, revised } from "../goals/goal.ts";
import { goalIn, keepGoal, keepNewGoal } from "../goals/keep.ts";
import { type SessionChange, TIMER_QUEUE } from "../session-change.ts";
import { isTopologyIdle } from "../transitions.ts";
import { type CommandDeps, requireSession, transact } from "./transact.ts";

/**
 * Gives a session a goal (01-R66). An active one begins to be worked on in the same commit when nobody is at work:
 * a goal must not wait for somebody to write (01, weakness 3).
 */
export async function setGoal(
  deps: CommandDeps,
  sessionId: string,
  request: SetGoalRequest,
  options: { replace: boolean },
): Promise<void> {
  await requireSession(deps.store, sessionId);
  const { status = "active", token_budget } = request;
  const budget = token_budget === null || token_budget === undefined ? {} : { token_budget };
  checkDefinition({ ...budget, status });
  const objective = trimmed(request.objective);
  await transact(deps, sessionId, async (change) => {
    const known = await goalIn(deps.store, change, sessionId);
    if (known !== undefined && !options.replace) throw alreadyExists(sessionId);
    const goal_id = await newGoalId(deps.store, change.now);
    const goal = newGoal({ goal_id, session_id: sessionId, objective, status, ...budget }, change.now);
    keepNewGoal(change, await continueGoal(deps, change, goal));
  });
}

export async function newGoalId(store: Store, nowMs: number): Promise<string> {
  return `goal-${nowMs}-${await store.reserveIds("goal", 1)}`;
}

/** Removes a session's goal, if it has one. A run that works for it goes on, for nothing but itself. */
export async function clearGoal(deps: CommandDeps, sessionId: string): Promise<void> {
  await requireSession(deps.store, sessionId);
  await transact(deps, sessionId, async (change) => {
    const known = await goalIn(deps.store, change, sessionId);
    if (known === undefined) return;
    change.emit("goal_cleared", { goal_id: known.goal.goal_id });
    change.keepGoal(undefined);
  });
}

/** Changes a goal whose id and version the caller has seen (01-R67). */
export async function patchGoal(
  deps: CommandDeps,
  sessionId: string,
  patch: PatchGoalRequest,
): Promise<void> {
  await requireSession(deps.store, sessionId);
  const asksForChange = (["objective", "status", "token_budget", "clear_token_budget"] as const).some(
    (name) => patch[name] !== undefined,
  );
  if (asksForChange) checkPatch(patch);
  await transact(deps, sessionId, async (change) => {
    const known = await goalIn(deps.store, change, sessionId);
    if (known === undefined) throw problem("goals", "goal_not_found", `session '${sessionId}' has no goal`);
    const { goal } = known;
    if (!asksForChange) return;
    checkExpectations(goal, patch);
    const patched = revised(goal, patchedGoal(goal, patch), change.now);
    if (patched.definition_version === goal.definition_version) return;
    if (patch.require_no_active_runs === true) requireNobodyAtWork(change, sessionId);
    if (patched.status === "active" && isSpent(patched)) {
      throw invalid(`${goal.tokens_used} tokens are used already: give a larger token_budget or clear it`);
    }
    const next = await continueGoal(deps, change, patched);
    if (patched.objective !== goal.objective) keepNewGoal(change, next);
    else keepGoal(change, { ...known, goal: next, idle_streak: 0 });
  });
}

/** The timer's question: does the goal still want a run, and is nobody at work? An ended session is left alone. */
export async function resumeGoal(deps: CommandDeps, sessionId: string): Promise<void> {
  await transact(deps, sessionId, async (change, session) => {
    const known = await goalIn(deps.store, change, sessionId);
    if (known === undefined || session.data.ended_at_ms !== undefined) return;
    const goal = await continueGoal(deps, change, known.goal, known.goal.last_continuation_run_id);
    if (goal !== known.goal) keepGoal(change, { ...known, goal });
  });
}

const REARM_PAGE = 500;

/** At boot: looks once at every goal that wants a run, through the timers, wherever its driver was lost (01, weakness 3). */
export async function rearmGoals(store: Store, nowMs: number): Promise<void> {
  for (let after: string | undefined; ; ) {
    const page = await store.list("goal", {
      index: "wanting",
      limit: REARM_PAGE,
      ...(after === undefined ? {} : { after }),
    });
    after = page.at(-1)?.cursor;
    if (page.length === 0) return;
    await store.commit(
      page.map(({ id }) => ({
        op: "enqueue",
        queue: TIMER_QUEUE,
        key: `goal/${id}`,
        dueAtMs: nowMs,
        payload: null,
      })),
    );
  }
}

function checkPatch(patch: PatchGoalRequest): void {
  checkDefinition(patch);
  if (patch.expected_goal_id === undefined || patch.expected_version === undefined) {
    throw invalid("a change needs expected_goal_id and expected_version");
  }
  if (patch.token_budget !== undefined && patch.clear_token_budget === true) {
    throw invalid("token_budget and clear_token_budget exclude each other");
  }
  if (patch.status === "complete" && patch.require_no_active_runs !== true) {
    throw invalid("status=complete needs require_no_active_runs=true");
  }
}

function checkDefinition({ token_budget, status }: Pick<PatchGoalRequest, "token_budget" | "status">): void {
  if (token_budget !== undefined && token_budget <= 0) throw invalid("token_budget must be positive");
  if (status === "budget_limited")
    throw invalid("budget_limited is what the daemon finds, not what is asked for");
}

function checkExpectations(goal: SessionGoal, patch: PatchGoalRequest): void {
  if (goal.goal_id === patch.expected_goal_id && goal.version === patch.expected_version) return;
  throw problem(
    "goals",
    "goal_conflict",
    `the goal is '${goal.goal_id}' at version ${goal.version}; read it again and repeat`,
  );
}

function patchedGoal(goal: SessionGoal, patch: PatchGoalRequest): SessionGoal {
  const status = patch.status ?? goal.status;
  const { token_budget, ...rest } = status === "active" ? withoutEnd(goal) : goal;
  const budget = patch.clear_token_budget === true ? undefined : (patch.token_budget ?? token_budget);
  return {
    ...rest,
    ...(budget === undefined ? {} : { token_budget: budget }),
    objective: patch.objective === undefined ? goal.objective : trimmed(patch.objective),
    status,
  };
}

/** A goal that goes on is owed a wrap-up of its own, and somebody has to complete it again. */
function withoutEnd(goal: SessionGoal): SessionGoal {
  const {
    budget_limited_by_run_id: _limited,
    budget_wrapup_run_id: _wrappedUp,
    completed_by_run_id: _completed,
    ...rest
  } = goal;
  return rest;
}

function requireNobodyAtWork(change: SessionChange, sessionId: string): void {
  if (isTopologyIdle(change.session)) return;
  throw problem("goals", "goal_session_not_idle", `session '${sessionId}' has work in progress`);
}

/** 1 to 8000 characters without what surrounds them. */
function trimmed(text: string): string {
  const objective = text.trim();
  const length = [...objective].length;
  if (length > 0 && length <= MAX_OBJECTIVE_CHARACTERS) return objective;
  throw invalid(`objective must have 1 to ${MAX_OBJECTIVE_CHARACTERS} characters, not ${length}`);
}

function alreadyExists(sessionId: string) {
  return problem(
    "goals",
    "goal_already_exists",
    `session '${sessionId}' has a goal; replace it with PUT, change it with PATCH or remove it with DELETE`,
  );
}

function invalid(detail: string) {
  return problem("goals", "goal_invalid_request", detail);
}
