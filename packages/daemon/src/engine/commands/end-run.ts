import { isTerminal, type UsageTotals } from "@kheish/contract";
import { type Store, StoreError } from "../../kernel/store.ts";
import { settleCut } from "../budgets/settle.ts";
import { closeCalls } from "../close-calls.ts";
import { auditClearedQueue, auditLost, auditStop } from "../external-actions.ts";
import { foldSession } from "../fold.ts";
import { afterRun, pauseGoal } from "../goals/after-run.ts";
import type { ContinuationDeps } from "../goals/continuation.ts";
import { announce } from "../hooks/announce.ts";
import { dropRunRules } from "../permissions/session-rules.ts";
import type { Kept } from "../records.ts";
import { closeRequests } from "../requests.ts";
import type { SessionChange } from "../session-change.ts";
import type { SessionState } from "../state.ts";
import { settleRun } from "../transitions.ts";
import { addUsage } from "../usage.ts";
import { requireIdle } from "./settings.ts";
import { type CommandDeps, queueHead, requireRun, requireSession, transact } from "./transact.ts";

/** Cancels a run wherever it stands; a terminal one is answered as it is (01-R49). */
export async function cancelRun(
  deps: CommandDeps,
  runId: string,
  caller: { principal: string },
): Promise<void> {
  const { session_id: sessionId } = (await requireRun(deps.store, runId)).data;
  const ended = await transact(deps, sessionId, async (change, session) => {
    const run = await requireRun(deps.store, runId);
    if (isTerminal(run.data.status)) return false;
    change.by = caller.principal;
    auditStop(change, run.data, { by: caller.principal, outcome: "cancelled" });
    await endRun(deps, change, session, run, "cancelled", undefined);
    return true;
  });
  if (ended) deps.abortRun(runId, "cancelled");
}

/**
 * Stops the session's active run; queued runs stay and the next one starts (01-R18),
 * unless `clearQueue` cancels them too. An active goal is paused, also that of an idle session.
 */
export async function interruptSession(
  deps: CommandDeps,
  sessionId: string,
  options: { clearQueue: boolean; principal: string },
): Promise<{ interrupted: boolean }> {
  const stopped = await transact(deps, sessionId, async (change, session) => {
    change.by = options.principal;
    const cleared = options.clearQueue && (await cancelQueued(deps, change, session, options.principal));
    const runId = session.data.active_run_id;
    if (runId === undefined) {
      await pauseGoal(deps.store, change, sessionId);
      return undefined;
    }
    const run = await requireRun(deps.store, runId);
    auditStop(change, run.data, { by: options.principal, outcome: "interrupted" });
    await endRun(deps, change, session, run, "interrupted", undefined, cleared);
    change.emit("session_interrupted", {});
    change.emit("session_updated", { field: "interrupted" });
    return runId;
  });
  if (stopped === undefined) return { interrupted: false };
  deps.abortRun(stopped, "interrupted");
  return { interrupted: true };
}

type EndDeps = ContinuationDeps & Pick<CommandDeps, "tools">;

/** Ends one non-terminal run within a change: requests closed, slot freed, next promoted. */
export async function endRun(
  deps: EndDeps,
  change: SessionChange,
  session: Kept<"session">,
  run: Kept<"run">,
  status: "cancelled" | "interrupted" | "failed",
  reason: string | undefined,
  queueIsCleared = false,
): Promise<void> {
  const { store } = deps;
  await closeRequests(store, change, run.data);
  const usage = await closeWork(deps, change, session, run, status);
  if (run.data.status === "queued") change.updateSession({ queued_count: change.session.queued_count - 1 });
  const freesSlot = session.data.active_run_id === run.id;
  const next = freesSlot && !queueIsCleared ? await queueHead(store, change.session) : undefined;
  const { queued_input: _never, ...data } = run.data;
  const error = reason === undefined ? {} : { error: reason };
  settleRun(change, { ...run, data }, { status, ...error, ...usage }, next);
  await afterRun(
    deps,
    change,
    run,
    status === "failed" ? { kind: status, passing: false } : { kind: status },
  );
}

/** What the run has open is closed, what it used is accounted for. */
async function closeWork(
  { store, tools }: EndDeps,
  change: SessionChange,
  session: Kept<"session">,
  run: Kept<"run">,
  status: string,
): Promise<{ usage?: UsageTotals }> {
  const state = session.data.active_run_id === run.id ? await stateOf(store, session) : undefined;
  if (state?.run === undefined) return {};
  const lost = closeCalls(change, state.run, status, (call) => auditLost(change, run.data, tools, call));
  dropRunRules(change, state.rules, run.data);
  settleCut(change, run.id, state.run);
  const usage = { ...state.run.usage, tool_calls: state.run.usage.tool_calls + lost };
  change.updateSession({ usage: addUsage(change.session.usage, usage) });
  return { usage };
}

/**
 * Undefined when the journal is damaged: a run must still be able to end.
 * A store that does not answer now is no reason to end it without an account of what it has open.
 */
async function stateOf(store: Store, session: Kept<"session">): Promise<SessionState | undefined> {
  try {
    return await foldSession(store, session);
  } catch (error) {
    if (error instanceof StoreError && error.code !== "corrupt") throw error;
    return undefined;
  }
}

/** Answers whether nobody is left in the queue: one commit carries so many and no more. */
async function cancelQueued(
  deps: EndDeps,
  change: SessionChange,
  session: Kept<"session">,
  by: string,
): Promise<boolean> {
  const limit = 10_000;
  const waiting = await deps.store.list("run", { index: "queue", prefix: [session.id], limit });
  if (waiting.length > 0) auditClearedQueue(change, session.data, by);
  for (const run of waiting as unknown as Kept<"run">[]) {
    await endRun(deps, change, session, run, "cancelled", "the queue was cleared");
  }
  return waiting.length < limit;
}

/** Marks the session as ended; new work reopens it (01-R19, 01-A5). */
export async function endSession(deps: CommandDeps, sessionId: string, reason?: string): Promise<void> {
  await requireSession(deps.store, sessionId);
  await transact(deps, sessionId, (change, session) => {
    requireIdle(session);
    change.clearSession("ended_reason");
    // Reopened, it starts anew; what sets it up has been done.
    const hooksOpened = session.data.hooks_opened?.filter((event) => event !== "session_start");
    if (hooksOpened !== undefined) change.updateSession({ hooks_opened: hooksOpened });
    announce(deps.hooks, change, session.data, "session_end", {
      subject: "",
      place: ["session_end", change.nextSeq],
      payload: reason === undefined ? {} : { reason },
    });
    change.updateSession({
      ended_at_ms: change.now,
      ...(reason === undefined ? {} : { ended_reason: reason }),
    });
    change.emit("session_ended", reason === undefined ? {} : { reason });
  });
}
