import { posix } from "node:path";
import { AuditRefused } from "../audit-refused.ts";
import { admit } from "../budgets/admit.ts";
import type { ContextPlan } from "../context/plan.ts";
import { type DecideInput, decide } from "../decide.ts";
import type { Nudge } from "../events.ts";
import { auditModelRequest } from "../external-actions.ts";
import { isWrapUp, outOfBudget } from "../goals/charge.ts";
import { hookView } from "../hooks/call.ts";
import type { RunLimits } from "../limits.ts";
import type { SessionChange } from "../session-change.ts";
import { type Entry, type SessionState, visible } from "../state.ts";
import { authorize } from "./authorize.ts";
import { dispatch } from "./dispatch.ts";
import type { Driver } from "./driver.ts";
import type { Effect, ModelEffect } from "./effect.ts";
import { modelCall } from "./model-call.ts";
import { recover } from "./recover.ts";
import { completeRun, failRun, stopRun } from "./settle.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

/**
 * Writes an outcome and everything that follows from it without leaving the store, in one commit:
 * a message with its permission audits and dispatches, a final answer with its output and the next run's start.
 */
export async function advance(
  driver: Driver,
  outcome: (change: SessionChange) => void | Promise<void> = () => undefined,
): Promise<Effect> {
  try {
    return await driver.write(async (change) => {
      await outcome(change);
      for (;;) {
        const effect = await step(driver, change);
        if (effect === undefined) continue;
        if (isAtRest(effect, change)) change.rest();
        return effect;
      }
    });
  } catch (error) {
    if (!(error instanceof AuditRefused)) throw error;
    return refused(driver, outcome, error);
  }
}

/** What was done is kept; what would have left does not, and the run says why (02-R80). */
async function refused(
  driver: Driver,
  outcome: (change: SessionChange) => void | Promise<void>,
  { message }: AuditRefused,
): Promise<Effect> {
  return driver.write(async (change) => {
    await outcome(change);
    await failRun(driver, change, message, false);
    const effect = { kind: "settled" } as const;
    if (isAtRest(effect, change)) change.rest();
    return effect;
  });
}

/** The run ended and no other begins, or waits for somebody who will say so. */
function isAtRest({ kind }: Effect, change: SessionChange): boolean {
  return (
    kind === "suspended" ||
    (kind === "settled" && change.sessionRead !== undefined && change.session.active_run_id === undefined)
  );
}

/** Carries out one decision; undefined when the next can be taken at once. */
async function step(driver: Driver, change: SessionChange): Promise<Effect | undefined> {
  const next = decide(driver.state, decideInput(driver, change));
  switch (next.kind) {
    case "idle":
      return { kind: "settled" };
    case "call_model":
      return send(driver, change, { kind: "call_model" });
    case "shrink_context":
      return shrink(driver, change, next.plan);
    case "call_hooks":
      return { kind: "call_hooks", due: next.due };
    case "authorize":
      return authorize(driver, change, next.calls);
    case "recover":
      return recover(driver, change, next.calls);
    case "run_tools":
      return dispatch(driver, change, next.calls);
    case "wait_for_approval":
    case "wait_for_answer":
      return { kind: "suspended" };
    case "nudge":
      nudge(driver, change, next.nudge, next.text);
      return undefined;
    case "finish":
      await completeRun(driver, change, next.structured);
      return { kind: "settled" };
    case "fail":
      await failRun(driver, change, next.error, next.passing === true, next.code);
      return { kind: "settled" };
    case "stop":
      await stopRun(driver, change, next.reason);
      return { kind: "settled" };
  }
}

/** Lets a model call leave, if the budgets do; its record rides in the commit that reserves for it (02-R74, 02-A6). */
async function send(driver: Driver, change: SessionChange, call: ModelEffect): Promise<Effect> {
  const effect = await admit(driver, change, call);
  if (effect !== call) return effect;
  if (call.kind === "call_model") {
    auditModelRequest(change, modelCall(driver, "turn"), visible(driver.state));
  } else {
    auditModelRequest(change, modelCall(driver, "compaction"), goingAt(driver.state, call.plan.headSeq));
  }
  return effect;
}

function decideInput(driver: Driver, change: SessionChange): DecideInput {
  const { deps, run } = driver;
  const limits = deps.model.limits(driver.route, driver.model);
  const reserved = run.data.generation.max_output_tokens ?? limits.max_output_tokens ?? 0;
  const { operator, hook_agent: hookAgent } = driver.session;
  const policy = operator?.unknown_outcome;
  const hooks = hookView(driver);
  return {
    limits: {
      ...deps.limits,
      ...(policy === undefined ? {} : { unknownOutcome: policy }),
      ...(isWrapUp(driver, change) ? { maxTurns: wrapUpTurns(deps.limits) } : {}),
      ...(hookAgent === undefined ? {} : { maxTurns: hookAgent.max_turns }),
    },
    context: {
      reservedOutputTokens: reserved,
      ...(limits.context_tokens === undefined ? {} : { contextTokens: limits.context_tokens }),
    },
    requiredFiles: (run.data.completion_requirements ?? []).map(({ path }) => posix.normalize(path)),
    ...(run.data.output_contract === undefined ? {} : { outputContract: run.data.output_contract }),
    outOfBudget: outOfBudget(driver, change),
    ...(hooks === undefined ? {} : { hooks }),
    nowMs: change.now,
  };
}

/** No more than any run may have; 0 is no limit. */
function wrapUpTurns({ maxTurns, maxWrapUpTurns }: RunLimits): number {
  return maxTurns === 0 ? maxWrapUpTurns : Math.min(maxTurns, maxWrapUpTurns);
}

async function shrink(
  driver: Driver,
  change: SessionChange,
  plan: Exclude<ContextPlan, { kind: "none" }>,
): Promise<Effect | undefined> {
  const run_id = driver.run.id;
  switch (plan.kind) {
    case "model_driven":
      return send(driver, change, { kind: "summarize", plan });
    case "microcompact":
      change.emit("compaction_boundary", {
        run_id,
        boundary: { kind: "microcompact", cleared: plan.cleared, tokens_freed: plan.tokensFreed },
      });
      return undefined;
    case "snip":
      change.emit("compaction_boundary", {
        run_id,
        boundary: {
          kind: "snip",
          head_seq: plan.headSeq,
          messages_removed: plan.removed,
          tokens_freed: plan.tokensFreed,
        },
      });
      await writeCheckpoint(driver, change, plan);
      return undefined;
    case "session_memory":
      await writeCheckpoint(driver, change, plan);
      return undefined;
  }
}

function nudge(driver: Driver, change: SessionChange, kind: Nudge, text: string): void {
  const { turn } = driver.runState;
  change.emit("message_appended", {
    run_id: driver.run.id,
    turn,
    nudge: kind,
    message: {
      role: "user",
      id: `nudge-${driver.run.id}-${change.nextSeq}`,
      synthetic: true,
      parts: [{ type: "text", text }],
    },
  });
}

/** What a compaction shows the model. */
function goingAt({ entries }: SessionState, headSeq: number): Entry[] {
  return entries.filter((entry) => entry.seq < headSeq);
}
