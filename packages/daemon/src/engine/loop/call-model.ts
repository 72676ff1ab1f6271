import { outputHeld } from "../budgets/hold.ts";
import { settleAnswer, settleFailure } from "../budgets/settle.ts";
import type { ContextPlan } from "../context/plan.ts";
import { buildCompaction, buildTurn, summaryOf } from "../context/prompt.ts";
import { promptSettings } from "../context/prompt-settings.ts";
import { isRepairing } from "../decide.ts";
import type { AfterModelError } from "../events.ts";
import { auditModelOutcome } from "../external-actions.ts";
import { type FallbackPlace, nextFallback } from "../fallback.ts";
import { chargeCall } from "../goals/charge.ts";
import type { AssistantMessage, AssistantPart } from "../messages.ts";
import type { ModelError, ModelOutcome, PinnedRoute } from "../ports.ts";
import type { FallbackTaken } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import type { RunState } from "../state.ts";
import { type Driver, Superseded } from "./driver.ts";
import type { Outcome } from "./effect.ts";
import { modelCall } from "./model-call.ts";
import type { StopSignal } from "./stop.ts";
import { visibleTools } from "./visible-tools.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

/**
 * One turn. A call that was cut off by a stop has no outcome: its tokens were never history,
 * and whoever takes over simply makes it again.
 */
export async function callModel(driver: Driver, stop: StopSignal): Promise<Outcome | undefined> {
  const { deps, run } = driver;
  const { turn } = driver.runState;
  const tools = isRepairing(driver.runState) ? [] : visibleTools(deps.tools, driver.session, driver.state);
  const audited = modelCall(driver, "turn");
  const retries: ModelError[] = [];
  const call = deps.model.call(buildTurn(driver.state, { ...promptInput(driver), tools }), {
    signal: stop.soft,
    onRetry: (error) => retries.push(error),
    onDelta: (delta) => {
      if (stop.reason === undefined)
        deps.onDelta({ ...delta, session_id: driver.sessionId, run_id: run.id, turn });
    },
  });
  const outcome = await stop.unlessStopped(call);
  if (outcome === undefined) return undefined;
  const recorded = outcome.ok
    ? appendMessage(driver, turn, outcome)
    : recordFailure(driver, turn, outcome.error);
  return (change) => {
    auditModelOutcome(change, audited, outcome, retries);
    return recorded(change);
  };
}

function promptInput(driver: Driver) {
  const { run, deps, runState, route } = driver;
  return {
    session_id: driver.sessionId,
    run_id: run.id,
    turn: runState.turn,
    route,
    model: driver.model,
    generation: { ...generationFor(driver), ...outputHeld(runState) },
    ...promptSettings(deps, driver.session, run.data),
  };
}

/**
 * After an answer was cut, the output cap is raised to what the model can do (01-R86). A model that the caller did not
 * have in mind is asked for no more than it can do.
 */
function generationFor(driver: Driver) {
  const { generation } = driver.run.data;
  const most = driver.deps.model.limits(driver.route, driver.model).max_output_tokens;
  const asked = generation.max_output_tokens;
  if (most === undefined || asked === undefined) return generation;
  const wanted = driver.runState.output_nudges === 0 ? asked : Math.max(asked, most);
  const fitting = driver.runState.fallback === undefined ? wanted : Math.min(wanted, most);
  return fitting === asked ? generation : { ...generation, max_output_tokens: fitting };
}

function appendMessage(driver: Driver, turn: number, outcome: Extract<ModelOutcome, { ok: true }>): Outcome {
  return (change) => {
    // The change is built again when somebody wrote in between: who answered this turn has gone on.
    if (driver.runState.turn !== turn) throw new Superseded(`turn ${turn} of the run has been answered`);
    const message: AssistantMessage = {
      ...outcome.message,
      id: `msg-${driver.run.id}-${turn}`,
      parts: uniqueCallIds(driver, outcome.message.parts),
    };
    change.emit("message_appended", { run_id: driver.run.id, turn, message });
    settleAnswer(driver, change, message);
    chargeCall(driver, change, message.usage);
  };
}

/** Everything downstream is keyed by the call's id, and not every provider keeps its ids apart. */
function uniqueCallIds(driver: Driver, parts: readonly AssistantPart[]): AssistantPart[] {
  const taken = new Set(
    driver.state.entries.flatMap(({ message, seq }) =>
      message.role === "assistant" && seq >= driver.runState.started_seq
        ? message.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))
        : [],
    ),
  );
  return parts.map((part) => {
    if (part.type !== "tool_call") return part;
    let id = part.id;
    for (let suffix = 2; taken.has(id) || id === ""; suffix++) id = `${part.id || "call"}-${suffix}`;
    taken.add(id);
    return { ...part, id };
  });
}

function recordFailure(driver: Driver, turn: number, error: ModelError): Outcome {
  return (change) => {
    noteFailure(driver, change, turn, error);
    settleFailure(driver, change, error);
  };
}

/** A failure and what follows from it; a step down the fallback chain stands on the run as well. */
function noteFailure(driver: Driver, change: SessionChange, turn: number, error: ModelError): void {
  const { run, runState, route, deps } = driver;
  const step = nextFallback(
    run.data.route,
    placeOf(runState, run.data.route),
    error.class,
    deps.routes.readiness(),
  );
  const next = afterModelError(runState, error, step !== undefined);
  const fallback = next === "fallback" ? step : undefined;
  const seq = change.emit("model_call_failed", {
    run_id: run.id,
    turn,
    model: driver.model,
    error,
    next,
    ...(fallback === undefined ? {} : { fallback }),
  });
  if (fallback === undefined) return;
  const taken: FallbackTaken = {
    ...fallback,
    seq,
    at_ms: change.now,
    turn,
    failure: error.class,
    from: { route_id: route.route_id, driver: route.driver, model: route.model },
  };
  const fallbacks = [...(run.data.fallbacks ?? []), taken];
  change.put("run", run.id, { ...run.data, updated_at_ms: change.now, fallbacks }, run.revision);
}

/** A run that fell back under a version with one fallback has used up that one. */
function placeOf({ fallback, fallback_active }: RunState, route: PinnedRoute): FallbackPlace | undefined {
  if (fallback !== undefined || !fallback_active) return fallback;
  return route.fallback_model === undefined ? undefined : { position: 0, target: route };
}

/** What is left to try, in the order of 01-R85. */
export function afterModelError(
  run: Pick<RunState, "tried">,
  error: ModelError,
  hasFallback: boolean,
): AfterModelError {
  const fallback = hasFallback ? "fallback" : "fail";
  switch (error.class) {
    case "context_window_exceeded":
      if (!run.tried.has("snip")) return "snip";
      return run.tried.has("compact") ? fallback : "compact";
    case "rate_limited":
    case "server_overloaded":
    case "transport":
      return fallback;
    default:
      return "fail";
  }
}

/** Model-driven compaction (01-R81). A failure leaves the prompt as it is; after three the run goes on without. */
export async function summarize(
  driver: Driver,
  stop: StopSignal,
  plan: Extract<ContextPlan, { kind: "model_driven" }>,
): Promise<Outcome | undefined> {
  const request = buildCompaction(driver.state, plan.headSeq, promptInput(driver));
  const held = { ...request, generation: { ...request.generation, ...outputHeld(driver.runState) } };
  const call = modelCall(driver, "compaction");
  const retries: ModelError[] = [];
  const asked = driver.deps.model.call(held, {
    signal: stop.soft,
    onRetry: (error) => retries.push(error),
  });
  const outcome = await stop.unlessStopped(asked);
  if (outcome === undefined) return undefined;
  const audited = (change: SessionChange) => auditModelOutcome(change, call, outcome, retries);
  const text = outcome.ok
    ? summaryOf(outcome.message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(""))
    : "";
  if (outcome.ok && text !== "") {
    return (change) => {
      audited(change);
      driver.runState.compact_failures = 0;
      settleAnswer(driver, change, outcome.message);
      return writeCheckpoint(driver, change, plan, { title: "Conversation so far", content: text });
    };
  }
  const error: ModelError = outcome.ok
    ? { class: "unknown", message: "the compaction answer was empty", retryable: false }
    : outcome.error;
  driver.deps.log.warn(
    { session_id: driver.sessionId, run_id: driver.run.id, class: error.class },
    "compaction failed",
  );
  return (change) => {
    audited(change);
    const { runState } = driver;
    runState.compact_failures += 1;
    if (outcome.ok) settleAnswer(driver, change, outcome.message);
    else settleFailure(driver, change, error);
    if (plan.trigger === "auto") return;
    noteFailure(driver, change, runState.turn, error);
  };
}
