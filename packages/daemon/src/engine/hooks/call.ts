import type { HookEvent } from "@kheish/contract";
import { type Driver, Superseded } from "../loop/driver.ts";
import type { Outcome } from "../loop/effect.ts";
import type { StopSignal } from "../loop/stop.ts";
import type { SessionRecord } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import type { RunState } from "../state.ts";
import type { HookView } from "./due.ts";
import type { DueHook } from "./port.ts";
import { blockReason, type HookAnswer, isBlocked } from "./port.ts";

/** What of the hooks concerns this run; undefined for the run of a hook, which has none of its own (03-R54). */
export function hookView(driver: Driver): HookView | undefined {
  const { session, run, deps } = driver;
  if (!deps.hooks.active || session.hook_agent !== undefined) return undefined;
  return {
    wants: (event, subject) => deps.hooks.wants(event, subject),
    scope: { session_id: driver.sessionId, agent_id: session.agent_id, run_id: run.id },
    opened: session.hooks_opened ?? [],
    resumes: session.settled_at_ms !== undefined,
    workspaceRoot: deps.workspaceRoot,
  };
}

/**
 * Calls hooks that steer. What they say is written together with what follows from it: until then nothing has happened,
 * and whoever takes over calls them again with the same keys.
 */
export async function callHooks(
  driver: Driver,
  stop: StopSignal,
  due: readonly DueHook[],
): Promise<Outcome | undefined> {
  const calls = Promise.all(due.map(({ input }) => driver.deps.hooks.call(input, stop.soft)));
  const answers = await stop.unlessStopped(calls);
  if (answers === undefined) return undefined;
  return async (change) => {
    for (const [index, answer] of answers.entries()) {
      const one = due[index];
      if (one !== undefined) await keepAnswer(driver, change, one, answer);
    }
  };
}

/** The outcome in the journal, the dead letters of what failed, and what the outcome does beyond the run's state. */
export async function keepAnswer(
  driver: Driver,
  change: SessionChange,
  { input, callId }: DueHook,
  { outcome, ops }: HookAnswer,
): Promise<void> {
  const { event, invocation_key } = input;
  // The change is built again when somebody wrote in between: who called these hooks meanwhile has gone on.
  if (wasCalled(driver.runState, event, callId)) throw new Superseded(`the ${event} hooks have been called`);
  change.add(...ops);
  change.emit("hooks_called", {
    run_id: driver.run.id,
    event,
    invocation_key,
    ...(callId === undefined ? {} : { call_id: callId }),
    outcome,
  });
  if (event === "pre_tool_use" && callId !== undefined) refuseCall(driver, change, callId, outcome);
  const isOpening = (event === "setup" || event === "session_start") && !isBlocked(outcome);
  if (isOpening) await remember(driver, change, (session) => opened(session, event));
  const rules = outcome.updated_permissions ?? [];
  if (rules.length > 0) {
    await remember(driver, change, (session) => ({
      hook_permissions: [
        ...(session.hook_permissions ?? []).filter(
          (old) => !rules.some((rule) => rule.tool_name_pattern === old.tool_name_pattern),
        ),
        ...rules.filter(
          (rule, index) =>
            rules.findLastIndex((other) => other.tool_name_pattern === rule.tool_name_pattern) === index,
        ),
      ],
    }));
  }
}

function wasCalled(run: RunState, event: HookEvent, callId: string | undefined): boolean {
  if (callId !== undefined) {
    const call = run.calls.find((one) => one.call.id === callId);
    return call === undefined || call.hooks?.called.includes(event) === true;
  }
  if (event === "stop") return run.hooks.stop_seq === run.message_seq;
  if (event === "pre_compact") return run.hooks.compact_turn === run.turn;
  return run.hooks.opened.includes(event);
}

function opened(session: SessionRecord, event: HookEvent): Partial<SessionRecord> {
  return { hooks_opened: [...(session.hooks_opened ?? []), event] };
}

async function remember(
  driver: Driver,
  change: SessionChange,
  update: (session: SessionRecord) => Partial<SessionRecord>,
): Promise<void> {
  await driver.sessionFor(change);
  change.updateSession(update(change.session));
}

/** `pre_tool_use` may block a call, not change it: whoever decided about the call saw its input (03-R46). */
function refuseCall(
  driver: Driver,
  change: SessionChange,
  callId: string,
  outcome: HookAnswer["outcome"],
): void {
  const reason = isBlocked(outcome)
    ? blockReason("pre_tool_use", outcome)
    : outcome.updated_input === undefined
      ? undefined
      : "a pre_tool_use hook may block a call, not change its input";
  const call = driver.runState.calls.find((one) => one.call.id === callId);
  if (reason === undefined || call === undefined) return;
  change.emit("tool_call_finished", {
    run_id: driver.run.id,
    call_id: callId,
    result: {
      call_id: callId,
      tool_name: call.call.name,
      output: { error: reason, hook_blocked: true },
      is_error: true,
    },
    ledger: "denied",
  });
}
