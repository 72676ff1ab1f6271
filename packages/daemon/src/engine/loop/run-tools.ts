import type { Json } from "@kheish/contract";
import type { Timer } from "../../kernel/clock.ts";
import { sleep } from "../../kernel/clock.ts";
import { textOfJson } from "../context/estimate.ts";
import { visibleOutput } from "../context/visible-output.ts";
import type { LedgerOutcome, SessionEvents } from "../events.ts";
import { changeGoal } from "../goals/tool-change.ts";
import type { ContextUpdate, GoalChange, Tool, ToolContext, ToolOutcome } from "../ports.ts";
import { questionRecordId } from "../records.ts";
import type { CallState } from "../state.ts";
import type { SessionChange } from "../transitions.ts";
import type { Outcome } from "./call-model.ts";
import type { Driver } from "./driver.ts";
import { park } from "./park.ts";
import { surface } from "./recover.ts";
import type { StopSignal } from "./stop.ts";

/** Above this an output's bytes go to the blob store and the journal keeps what the prompt shows. */
const JOURNAL_OUTPUT_BYTES = 262_144;
/** How long a tool that was told to stop may take before nobody waits for it. */
const STOP_GRACE_MS = 2_000;

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
  const spent = { outputBytes: settledBytes(driver.runState.calls) };
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
  spent: { outputBytes: number },
): Promise<Outcome | undefined> {
  const tool = driver.deps.tools.get(call.call.name);
  // Dispatched by a daemon that had it.
  if (tool === undefined) return finished(driver, call, failure("tool not found"), 0);
  const started = driver.deps.clock.now();
  const performed = await perform(driver, stop, tool, call);
  if (performed === "abandoned") return undefined;
  // A stopped read is simply made again; a stopped `once` effect tells what it knows.
  if (stop.reason === "drain" && stop.hard.aborted && tool.effect !== "once") return undefined;
  if (stop.reason === "ended") return undefined;
  if (performed.kind === "ask") return askUser(driver, call, performed);
  if (performed.kind === "goal") return goalChanged(driver, call, performed.change);
  const durationMs = driver.deps.clock.now() - started;
  return finished(driver, call, await limited(driver, call, performed, spent), durationMs);
}

/** The tool under its time limit. A tool that does not stop when told is left behind. */
async function perform(
  driver: Driver,
  stop: StopSignal,
  tool: Tool,
  call: CallState,
): Promise<ToolOutcome | "abandoned"> {
  const { clock, toolLimits, log } = driver.deps;
  const controller = new AbortController();
  const over = new AbortController();
  onAbort(stop.hard, over.signal, () => controller.abort());
  let timedOut = false;
  const timer: Timer = clock.schedule(
    Math.max(1, Math.min(tool.timeoutMs, toolLimits.max_timeout_ms)),
    () => {
      timedOut = true;
      controller.abort();
    },
  );
  const work = invoke(tool, call, contextFor(driver, call, controller.signal)).catch(
    (error: unknown): ToolOutcome => {
      log.error(
        { run_id: driver.run.id, call_id: call.call.id, tool: tool.name, err: String(error) },
        "tool threw",
      );
      return failure(`tool '${tool.name}' failed unexpectedly`);
    },
  );
  try {
    const outcome = await Promise.race([work, whenGivenUp(driver, stop, controller.signal, over.signal)]);
    if (!timedOut) return outcome;
    const partial = outcome !== "abandoned" && outcome.kind === "result" ? outcome.output : null;
    return { kind: "result", output: { error: "tool execution timed out", partial }, is_error: true };
  } finally {
    timer.cancel();
    over.abort();
  }
}

async function invoke(tool: Tool, call: CallState, context: ToolContext): Promise<ToolOutcome> {
  const parsed = tool.parse(call.call.input);
  if (!parsed.ok) return failure(parsed.error);
  return tool.execute(parsed.input, context);
}

function whenGivenUp(
  { deps }: Driver,
  stop: StopSignal,
  told: AbortSignal,
  over: AbortSignal,
): Promise<"abandoned"> {
  return new Promise((resolve) => {
    const giveUp = () => resolve("abandoned");
    onAbort(stop.abandoned, over, giveUp);
    onAbort(told, over, () => void sleep(deps.clock, STOP_GRACE_MS, over).then(giveUp));
  });
}

/** Calls back when `signal` aborts, be it already; not any more once it is `over`: a run's signals outlive its calls. */
function onAbort(signal: AbortSignal, over: AbortSignal, run: () => void): void {
  if (signal.aborted) run();
  else signal.addEventListener("abort", run, { once: true, signal: over });
}

export function contextFor(driver: Driver, call: CallState, signal: AbortSignal): ToolContext {
  const { deps } = driver;
  return {
    session_id: driver.sessionId,
    run_id: driver.run.id,
    call_id: call.call.id,
    idempotency_key: call.idempotency_key ?? "",
    workspace_root: deps.workspaceRoot,
    limits: deps.toolLimits,
    blobs: deps.blobs,
    clock: deps.clock,
    ...(driver.goal === undefined ? {} : { goal: driver.goal }),
    signal,
  };
}

type Result = Extract<ToolOutcome, { kind: "result" }> & { blob?: { sha256: string; size_bytes: number } };

function failure(error: string): Extract<ToolOutcome, { kind: "result" }> {
  return { kind: "result", output: { error }, is_error: true };
}

/** What the calls of this turn answered so far, whoever ran them. */
function settledBytes(calls: readonly CallState[]): number {
  return calls.reduce((sum, call) => sum + (call.output_bytes ?? 0), 0);
}

/** Output limits (03-R3); what is too large for the journal is kept whole as a blob, and said so. */
async function limited(
  driver: Driver,
  call: CallState,
  outcome: Extract<ToolOutcome, { kind: "result" }>,
  spent: { outputBytes: number },
): Promise<Result> {
  const { toolLimits, blobs } = driver.deps;
  const text = textOfJson(outcome.output);
  const bytes = Buffer.byteLength(text);
  spent.outputBytes += bytes;
  const over = (quota: string, limit: number): Result => ({
    kind: "result",
    is_error: true,
    output: {
      error: `the output exceeds ${quota}`,
      quota,
      limit_bytes: limit,
      actual_bytes: quota === "output_bytes" ? bytes : spent.outputBytes,
      tool: call.call.name,
    },
  });
  if (bytes > toolLimits.max_output_bytes) return over("output_bytes", toolLimits.max_output_bytes);
  if (spent.outputBytes > toolLimits.max_cumulative_output_bytes) {
    return over("cumulative_output_bytes", toolLimits.max_cumulative_output_bytes);
  }
  if (bytes <= JOURNAL_OUTPUT_BYTES) return outcome;
  const { sha256, sizeBytes } = await blobs.put(Buffer.from(text));
  const result = {
    call_id: call.call.id,
    tool_name: call.call.name,
    output: outcome.output,
    is_error: outcome.is_error,
  };
  return { ...outcome, output: visibleOutput(result, text), blob: { sha256, size_bytes: sizeBytes } };
}

function finished(driver: Driver, call: CallState, result: Result, durationMs: number): Outcome {
  return (change) => {
    if (result.state?.type === "todos") {
      change.emit("todos_updated", { run_id: driver.run.id, todos: result.state.todos });
    }
    emitFinished(driver, change, call, result, {
      ledger: result.is_error ? "failed" : "settled",
      duration_ms: durationMs,
      ...(result.blob === undefined ? {} : { output_blob: result.blob }),
      ...(result.context_updates === undefined ? {} : { context_updates: result.context_updates }),
    });
  };
}

function emitFinished(
  driver: Driver,
  change: SessionChange,
  { call }: CallState,
  result: { output: Json; is_error: boolean },
  rest: {
    ledger: LedgerOutcome;
    duration_ms?: number;
    output_blob?: { sha256: string; size_bytes: number };
    context_updates?: ContextUpdate[];
  },
): void {
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

/** The call stays open and its answer will be its result (03-R37). */
function askUser(driver: Driver, call: CallState, asked: Extract<ToolOutcome, { kind: "ask" }>): Outcome {
  return async (change) => {
    if (asked.expires_at_ms !== undefined && asked.expires_at_ms <= change.now) {
      emitFinished(driver, change, call, failure("the question's deadline has passed"), { ledger: "failed" });
      return;
    }
    const request = {
      id: `question-request-${call.call.id}`,
      tool_call_id: call.call.id,
      questions: asked.questions,
      created_at_ms: change.now,
      ...(asked.expires_at_ms === undefined ? {} : { expires_at_ms: asked.expires_at_ms }),
    };
    await park(driver, change, { request });
    change.put(
      "question",
      questionRecordId(driver.run.id, request.id),
      { request, session_id: driver.sessionId, run_id: driver.run.id },
      0,
    );
  };
}

/** Finds out what lost calls did. Answers the outcome of all of them, as one commit. */
export async function readBack(
  driver: Driver,
  stop: StopSignal,
  calls: readonly CallState[],
): Promise<Outcome | undefined> {
  const found = await Promise.all(
    calls.map(async (call) => {
      const tool = driver.deps.tools.get(call.call.name);
      const parsed = tool?.parse(call.call.input);
      if (tool?.reconcile === undefined || parsed?.ok !== true)
        return { call, read: { kind: "unknown" as const } };
      return { call, read: await tool.reconcile(parsed.input, contextFor(driver, call, stop.hard)) };
    }),
  );
  if (stop.reason !== undefined) return undefined;
  return async (change) => {
    for (const { call, read } of found) {
      if (read.kind === "applied") {
        const { output } = read;
        emitFinished(driver, change, call, { output, is_error: false }, { ledger: "reconciled" });
      } else if (read.kind === "not_applied") {
        change.emit("effect_not_applied", { run_id: driver.run.id, call_id: call.call.id });
      } else if (await surface(driver, change, call, read.detail)) {
        return;
      }
    }
  };
}
