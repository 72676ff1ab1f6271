import type { Json } from "@kheish/contract";
import { chargeTool } from "../budgets/charge-tool.ts";
import { textOfJson } from "../context/estimate.ts";
import { visibleOutput } from "../context/visible-output.ts";
import type { LedgerOutcome, SessionEvents } from "../events.ts";
import { auditOutcome, failureOf, successOf } from "../external-actions.ts";
import { changeGoal } from "../goals/tool-change.ts";
import { announce } from "../hooks/announce.ts";
import { hookView, keepAnswer } from "../hooks/call.ts";
import { beforeQuestion } from "../hooks/due.ts";
import { blockReason, isBlocked } from "../hooks/port.ts";
import type { Usage } from "../messages.ts";
import { changePlanning } from "../permissions/plan-mode.ts";
import type { ContextUpdate, GoalChange, PlanChange, Tool, ToolContext, ToolOutcome } from "../ports.ts";
import { questionRecordId } from "../records.ts";
import { bytesAroundOutput } from "../result-envelope.ts";
import type { SessionChange } from "../session-change.ts";
import type { SkillChange } from "../skills/port.ts";
import { changeSkills } from "../skills/tool-change.ts";
import type { CallState } from "../state.ts";
import { markTold } from "../tasks/notice.ts";
import type { TaskChange } from "../tasks/port.ts";
import { changeTask } from "../tasks/tool-change.ts";
import type { Driver } from "./driver.ts";
import type { Outcome } from "./effect.ts";
import { wouldAllow } from "./judge.ts";
import { park } from "./park.ts";
import type { StopSignal } from "./stop.ts";
import { withinLimit } from "./time-limit.ts";

/** Above this an output's bytes go to the blob store and the journal keeps what the prompt shows. */
const JOURNAL_OUTPUT_BYTES = 262_144;

/**
 * Runs dispatched calls together. Each outcome is committed as it comes, so that a crash forgets none of the others;
 * the last one is answered, to be committed together with what follows from it.
 * Undefined: the daemon is stopping, and calls without a commit are left for whoever takes over.
 */
export async function runTools(
  driver: Driver,
  stop: StopSignal,
  calls: readonly CallState[],
): Promise<Outcome | undefined> {
  let left = calls.length;
  let last: Outcome | undefined;
  const spent = spentBy(driver.runState.calls);
  await Promise.all(
    calls.map(async (call) => {
      const outcome = await runOne(driver, stop, call, spent);
      left -= 1;
      if (outcome === undefined) return;
      if (left === 0) last = outcome;
      else await driver.write(outcome);
    }),
  );
  return stop.reason === undefined ? (last ?? (() => undefined)) : last;
}

async function runOne(
  driver: Driver,
  stop: StopSignal,
  call: CallState,
  spent: Spent,
): Promise<Outcome | undefined> {
  const tool = driver.deps.tools.get(call.call.name);
  // Dispatched by a daemon that had it.
  if (tool === undefined) return finished(driver, call, failure("tool not found"), 0);
  const started = driver.deps.clock.now();
  const performed = await perform(driver, stop, tool, call);
  // Nothing is written about it, so that it is met as what a dead process left behind.
  if (performed === "abandoned" || performed.kind === "lost") return undefined;
  // A stopped read is simply made again; a stopped `once` effect tells what it knows.
  if (stop.reason === "drain" && stop.hard.aborted && tool.effect !== "once") return undefined;
  if (stop.reason === "ended") return undefined;
  if (performed.kind === "ask") return elicit(driver, stop, call, performed);
  if (performed.kind === "goal") return goalChanged(driver, call, performed.change);
  if (performed.kind === "skill") return skillsChanged(driver, call, performed.change);
  if (performed.kind === "plan") return planningChanged(driver, call, performed.change);
  if (performed.kind === "task") return tasksChanged(driver, call, performed.change);
  const durationMs = driver.deps.clock.now() - started;
  return finished(driver, call, await limited(driver, call, performed, spent), durationMs);
}

async function perform(
  driver: Driver,
  stop: StopSignal,
  tool: Tool,
  call: CallState,
): Promise<Performed | "abandoned"> {
  const ended = await withinLimit(driver, stop, tool, (signal) =>
    invoke(tool, call, contextFor(driver, call, signal)).catch((error: unknown): ToolOutcome => {
      driver.deps.log.error(
        {
          session_id: driver.sessionId,
          run_id: driver.run.id,
          call_id: call.call.id,
          tool: tool.name,
          err: String(error),
        },
        "tool threw",
      );
      return failure(`tool '${tool.name}' failed unexpectedly`);
    }),
  );
  if (ended.kind === "done") return ended.value;
  if (ended.kind === "abandoned") return "abandoned";
  const partial = ended.late?.kind === "result" ? ended.late.output : null;
  const output = { error: "tool execution timed out", partial };
  return { kind: "result", output, is_error: true, failure: "failed:timeout" };
}

async function invoke(tool: Tool, call: CallState, context: ToolContext): Promise<ToolOutcome> {
  const parsed = tool.parse(call.call.input);
  if (!parsed.ok) return failure(parsed.error);
  return tool.execute(parsed.input, context);
}

export function contextFor(driver: Driver, call: CallState, signal: AbortSignal): ToolContext {
  const { deps, session } = driver;
  return {
    session_id: driver.sessionId,
    run_id: driver.run.id,
    call_id: call.call.id,
    agent_id: driver.run.data.agent_id,
    principal: driver.run.data.principal,
    idempotency_key: call.idempotency_key ?? "",
    workspace_root: deps.workspaceRoot,
    limits: driver.toolLimits,
    blobs: deps.blobs,
    clock: deps.clock,
    ...(driver.goal === undefined ? {} : { goal: driver.goal }),
    tasks: deps.tasks,
    ...(session.capability_scope === undefined ? {} : { capability_scope: session.capability_scope }),
    ...(session.credential_scope === undefined ? {} : { credential_scope: session.credential_scope }),
    ...(call.resumed === undefined ? {} : { resumed: call.resumed }),
    route: driver.route,
    permits: (input) => wouldAllow(driver, { ...call.call, input }),
    signal,
  };
}

type Result = Extract<ToolOutcome, { kind: "result" }> & {
  blob?: { sha256: string; size_bytes: number };
  /** The class of a failure that the tool did not see itself. */
  failure?: string;
  overLimit?: true;
};
type Performed = Exclude<ToolOutcome, { kind: "result" }> | Result;

function failure(error: string): Extract<ToolOutcome, { kind: "result" }> {
  return { kind: "result", output: { error }, is_error: true };
}

/** Bytes that the calls of this turn answered so far, whoever ran them. */
interface Spent {
  output: number;
  envelope: number;
}

function spentBy(calls: readonly CallState[]): Spent {
  const sum = (of: (call: CallState) => number | undefined) =>
    calls.reduce((total, call) => total + (of(call) ?? 0), 0);
  return { output: sum((call) => call.output_bytes), envelope: sum((call) => call.envelope_bytes) };
}

/** Output limits (03-R3); what is too large for the journal is kept whole as a blob, and said so. */
async function limited(driver: Driver, call: CallState, outcome: Result, spent: Spent): Promise<Result> {
  const { toolLimits, state } = driver;
  const { blobs } = driver.deps;
  const { id: call_id, name: tool_name } = call.call;
  const text = textOfJson(outcome.output);
  const bytes = Buffer.byteLength(text);
  const result = { call_id, tool_name, output: outcome.output, is_error: outcome.is_error };
  const envelope = bytes + bytesAroundOutput(result, outcome.context_updates, state.hook_contexts[call_id]);
  spent.output += bytes;
  spent.envelope += envelope;
  const quotas: [name: string, actual: number, limit: number][] = [
    ["output_bytes", bytes, toolLimits.max_output_bytes],
    ["result_envelope_bytes", envelope, toolLimits.max_result_envelope_bytes],
    ["cumulative_output_bytes", spent.output, toolLimits.max_cumulative_output_bytes],
    ["cumulative_result_envelope_bytes", spent.envelope, toolLimits.max_cumulative_result_envelope_bytes],
  ];
  for (const [quota, actual_bytes, limit_bytes] of quotas) {
    if (actual_bytes <= limit_bytes) continue;
    const what = quota.includes("envelope") ? "result" : "output";
    const output = {
      error: `the ${what} exceeds ${quota}`,
      quota,
      limit_bytes,
      actual_bytes,
      tool: tool_name,
    };
    const { usage } = outcome;
    return {
      kind: "result",
      is_error: true,
      output,
      overLimit: true,
      ...(usage === undefined ? {} : { usage }),
    };
  }
  if (bytes <= JOURNAL_OUTPUT_BYTES) return outcome;
  const { sha256, sizeBytes } = await blobs.put(Buffer.from(text));
  return { ...outcome, output: visibleOutput(result, text), blob: { sha256, size_bytes: sizeBytes } };
}

function finished(driver: Driver, call: CallState, result: Result, durationMs: number): Outcome {
  return async (change) => {
    if (result.state?.type === "tasks_told")
      await markTold(driver.deps.store, change, driver.sessionId, result.state.task_ids);
    if (result.usage !== undefined) await chargeTool(driver, change, result.usage);
    if (result.state?.type === "todos") {
      change.emit("todos_updated", { run_id: driver.run.id, todos: result.state.todos });
    }
    emitFinished(driver, change, call, result, {
      ledger: result.is_error ? "failed" : "settled",
      duration_ms: durationMs,
      ...(result.blob === undefined ? {} : { output_blob: result.blob }),
      ...(result.context_updates === undefined ? {} : { context_updates: result.context_updates }),
      ...(result.overLimit === undefined ? {} : { over_limit: result.overLimit }),
      ...(result.usage === undefined ? {} : { usage: result.usage }),
    });
    for (const update of result.context_updates ?? []) {
      if (update.type !== "file_modified") continue;
      const { name: tool_name, id: tool_call_id } = call.call;
      announce(driver.deps.hooks, change, driver.session, "file_changed", {
        runId: driver.run.id,
        subject: update.path,
        place: ["file_changed", tool_call_id, update.path],
        payload: { path: update.path, tool_name, tool_call_id },
      });
    }
  };
}

export function emitFinished(
  driver: Driver,
  change: SessionChange,
  state: CallState,
  result: { output: Json; is_error: boolean; failure?: string },
  rest: {
    ledger: LedgerOutcome;
    duration_ms?: number;
    output_blob?: { sha256: string; size_bytes: number };
    context_updates?: ContextUpdate[];
    over_limit?: true;
    usage?: Usage;
  },
): void {
  const { call } = state;
  auditOutcome(change, driver.run.data, driver.deps.tools, state, {
    output: result.output,
    ...(rest.output_blob === undefined ? {} : { output_sha256: rest.output_blob.sha256 }),
    outcome: result.is_error ? (result.failure ?? failureOf(result.output)) : successOf(result.output),
  });
  const data: SessionEvents["tool_call_finished"] = {
    run_id: driver.run.id,
    call_id: call.id,
    result: { call_id: call.id, tool_name: call.name, output: result.output, is_error: result.is_error },
    ...rest,
  };
  change.emit("tool_call_finished", data);
}

/** What a tool asked of the goal is done, or refused, in the commit that says so. */
function goalChanged(driver: Driver, call: CallState, wanted: GoalChange): Outcome {
  return async (change) => {
    const result = await changeGoal(driver, change, wanted);
    emitFinished(driver, change, call, result, { ledger: result.is_error ? "failed" : "settled" });
  };
}

function skillsChanged(driver: Driver, call: CallState, wanted: SkillChange): Outcome {
  return async (change) => {
    const result = await changeSkills(driver, change, wanted, call.call.id);
    emitFinished(driver, change, call, result, { ledger: result.is_error ? "failed" : "settled" });
  };
}

function planningChanged(driver: Driver, call: CallState, wanted: PlanChange): Outcome {
  return async (change) => {
    const result = await changePlanning(driver, change, wanted);
    emitFinished(driver, change, call, result, { ledger: result.is_error ? "failed" : "settled" });
  };
}

function tasksChanged(driver: Driver, call: CallState, wanted: TaskChange): Outcome {
  return async (change) => {
    const result = await changeTask(driver, change, call.call.id, wanted);
    emitFinished(driver, change, call, result, { ledger: result.is_error ? "failed" : "settled" });
  };
}

/** The hooks before a question, in the commit that asks it: they may keep it from being asked. */
async function elicit(
  driver: Driver,
  stop: StopSignal,
  call: CallState,
  asked: Extract<ToolOutcome, { kind: "ask" }>,
): Promise<Outcome | undefined> {
  const hooks = hookView(driver);
  const payload = { tool_call_id: call.call.id, questions: asked.questions };
  const due = hooks && beforeQuestion(driver.runState, call, payload, hooks);
  if (due === undefined) return askUser(driver, call, asked);
  const answer = await stop.unlessStopped(driver.deps.hooks.call(due.input, stop.soft));
  if (answer === undefined) return undefined;
  const { outcome } = answer;
  return async (change) => {
    await keepAnswer(driver, change, due, answer);
    if (!isBlocked(outcome)) return askUser(driver, call, asked)(change);
    const output = { error: blockReason("elicitation", outcome), hook_blocked: true };
    emitFinished(driver, change, call, { output, is_error: true }, { ledger: "denied" });
  };
}

/** The call stays open and its answer will be its result (03-R37), or what it goes on with. */
function askUser(driver: Driver, call: CallState, asked: Extract<ToolOutcome, { kind: "ask" }>): Outcome {
  return async (change) => {
    const run_id = driver.run.id;
    const call_id = call.call.id;
    if (asked.resume !== undefined && driver.runState.question !== undefined) {
      // A run waits for one question at a time. This one is asked again once the other is answered.
      change.emit("effect_not_applied", { run_id, call_id, attempt: call.attempt });
      return;
    }
    if (asked.expires_at_ms !== undefined && asked.expires_at_ms <= change.now) {
      emitFinished(driver, change, call, failure("the question's deadline has passed"), { ledger: "failed" });
      return;
    }
    const request = {
      // A call that goes on may ask more than once, each time under another id.
      id: `question-request-${call_id}${asked.resume === undefined ? "" : `-${call.attempt}`}`,
      tool_call_id: call_id,
      questions: asked.questions,
      created_at_ms: change.now,
      ...(asked.expires_at_ms === undefined ? {} : { expires_at_ms: asked.expires_at_ms }),
    };
    const question =
      asked.resume === undefined ? { request } : { request, resume: { call_id, state: asked.resume } };
    await park(driver, change, question);
    change.put(
      "question",
      questionRecordId(run_id, request.id),
      { ...question, session_id: driver.sessionId, run_id },
      0,
    );
  };
}
