import { isTerminal, isWaiting } from "@kheish/contract";
import { callHooks } from "../hooks/call.ts";
import { read } from "../records.ts";
import type { CallState } from "../state.ts";
import { advance } from "./advance.ts";
import { callModel, summarize } from "./call-model.ts";
import type { LoopDeps } from "./deps.ts";
import { Driver, LeaseLost, Superseded } from "./driver.ts";
import type { Effect, Outcome } from "./effect.ts";
import { notApplied, readBack } from "./read-back.ts";
import { runTools } from "./run-tools.ts";
import type { SessionLease } from "./session-lease.ts";
import type { StopSignal } from "./stop.ts";

/**
 * `rest`: nothing is left to do for this session now. `stopped`: the daemon is draining.
 * `lost`: another daemon drives the session.
 */
export type DriveEnd = "rest" | "stopped" | "lost";

/**
 * Drives a session until nobody in it can go on: one run after the other, each from wherever its journal stands.
 * Starting a run and taking over one that another process left are the same code. What this process knows of the
 * session is taken for granted only where it made the work itself (`Executor`): else others have written since.
 */
export async function driveSession(
  deps: LoopDeps,
  sessionId: string,
  options: { lease: SessionLease; attempts: number; stopFor: (runId: string) => StopSignal },
): Promise<DriveEnd> {
  let attempts = options.attempts;
  for (;;) {
    const known = deps.known.get(sessionId);
    const session = known?.session ?? (await read(deps.store, "session", sessionId));
    const runId = session?.data.active_run_id;
    if (session === undefined || runId === undefined) return "rest";
    const run = known?.run ?? (await read(deps.store, "run", runId));
    if (run === undefined) throw new Error(`session '${sessionId}' names a run '${runId}' that is not there`);
    if (isTerminal(run.data.status) || isWaiting(run.data.status)) return "rest";
    const stop = options.stopFor(runId);
    try {
      const driver = await Driver.open(deps, options.lease, session, run);
      const waits = await driveRun(driver, stop, attempts);
      deps.states.keep(sessionId, driver.state);
      if (waits || options.lease.hasLeft) return "rest";
      // The run stands where it stood: what is known of the session is older than what others made of it.
      if (deps.known.get(sessionId)?.session.data.active_run_id === runId) deps.known.forget(sessionId);
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      // Others have written since: what this process knew of the session would lead here again and again.
      deps.known.forget(sessionId);
      deps.log.debug({ session_id: sessionId, run_id: runId, why: error.message }, "run superseded");
      stop.end();
      if (error instanceof LeaseLost) return "lost";
    }
    if (stop.reason === "drain") return "stopped";
    // Only the first run of a claim can be one that an earlier claim left behind.
    attempts = 1;
  }
}

/**
 * decide, commit the intent, perform, commit the outcome, again.
 * Answers whether the run, which is at work, waits for the session to be due again.
 */
async function driveRun(driver: Driver, stop: StopSignal, attempts: number): Promise<boolean> {
  // A claim that came with the drain: what it would begin, it could not perform.
  if (stop.reason !== undefined) return false;
  let effect = await advance(driver, (change) => {
    const { runState } = driver;
    if (!runState.active_since_wake && attempts <= 1) return;
    change.emit("resumed", { run_id: driver.run.id, attempt: runState.takeovers + 1 });
  });
  while (stop.reason === undefined) {
    if (effect.kind === "later") return true;
    if (effect.kind === "suspended" || effect.kind === "settled") return false;
    const outcome = await perform(driver, stop, effect);
    if (outcome === undefined) return false;
    if (stop.reason === "drain") {
      await driver.write(outcome);
      return false;
    }
    effect = await advance(driver, outcome);
  }
  if (stop.reason === "drain" && effect.kind === "run_tools") await takeBack(driver, effect.calls);
  return false;
}

/**
 * Dispatched while the drain began: nobody made these calls, so nobody has to wonder what became of them. What an earlier
 * attempt did is as open as it was (01-R93).
 */
function takeBack(driver: Driver, calls: readonly CallState[]): Promise<void> {
  return driver.write((change) => {
    for (const call of calls) notApplied(driver, change, call, call.attempt);
  });
}

function perform(driver: Driver, stop: StopSignal, effect: Effect): Promise<Outcome | undefined> {
  switch (effect.kind) {
    case "call_model":
      return callModel(driver, stop);
    case "summarize":
      return summarize(driver, stop, effect.plan);
    case "call_hooks":
      return callHooks(driver, stop, effect.due);
    case "run_tools":
      return runTools(driver, stop, effect.calls);
    case "read_back":
      return readBack(driver, stop, effect.calls);
    case "later":
    case "suspended":
    case "settled":
      return Promise.resolve(undefined);
  }
}
