import type { UserQuestionResolution } from "@kheish/contract";
import { foldBudget } from "./budgets/fold.ts";
import { bytesOf, estimateMessage } from "./context/estimate.ts";
import { CLEARED_OUTPUT, promptVisible } from "./context/visible-output.ts";
import type { AskingCall, Checkpoint, RecordedEvent, ResultPlace, SessionEvents } from "./events.ts";
import { dropContexts, foldHooks, withContexts } from "./hooks/fold.ts";
import { type Message, type ToolResult, toolCallsOf, type Usage } from "./messages.ts";
import { rulesAfter, withoutRun } from "./permissions/session-rules.ts";
import { bytesAroundOutput } from "./result-envelope.ts";
import { foldSkills } from "./skills/fold.ts";
import { type CallState, type Entry, newRun, type RunState, type SessionState } from "./state.ts";
import { UNKNOWN_EFFECT_OPTIONS } from "./unknown-effect.ts";
import { addCost } from "./usage.ts";

/**
 * Folds one event into what is known. Decides nothing and reads nothing but its arguments.
 * The state passed in is consumed: a fold of a long journal must not copy it at every step.
 */
export function reduce(state: SessionState, event: RecordedEvent): SessionState {
  if (event.seq <= state.seq) return state;
  state.seq = event.seq;
  foldBudget(state.run, event);
  switch (event.type) {
    case "started":
      state.run = newRun(event.data.run_id, event.seq);
      state.run.worked.since_ms = event.atMs;
      state.hook_contexts = {};
      return state;
    case "resumed":
      return onRun(state, event.data.run_id, (run) => {
        run.takeovers += 1;
        run.usage.restarts += 1;
        run.active_since_wake = false;
      });
    case "input_received":
      addMessage(state, event, event.data.message);
      return onRun(state, event.data.run_id, (run) => {
        run.input_seq = event.seq;
      });
    case "message_appended":
      return onMessage(state, event, event.data);
    case "model_call_failed":
      return onRun(state, event.data.run_id, (run) => {
        run.last_model_error = event.data.error;
        run.active_since_wake = true;
        if (event.data.next === "fail") run.model_given_up = true;
        else run.tried.add(event.data.next);
        if (event.data.next === "fallback") run.fallback_active = true;
        if (event.data.fallback !== undefined) {
          const { position, target } = event.data.fallback;
          run.fallback = { position, target };
        }
        run.remedy = event.data.next;
      });
    case "hooks_called":
      return foldHooks(state, event);
    case "permission_audit":
      return onCall(state, event.data.run_id, event.data.audit.tool_call_id, (call) => {
        if (event.data.audit.decision === "allow" && call.phase === "requested") call.phase = "allowed";
      });
    case "waiting_for_approval":
      return onRun(state, event.data.run_id, (run) => {
        for (const request of event.data.requests) {
          const call = findCall(run, request.tool_call_id);
          if (call === undefined || call.phase === "settled") continue;
          call.phase = "asking_approval";
          call.approval_id = request.id;
        }
      });
    case "approval_resolved":
      return onApprovals(state, event.data);
    case "tool_call_started":
      return onRun(state, event.data.run_id, (run) => {
        const call = findCall(run, event.data.call_id);
        if (call === undefined) return;
        call.phase = "dispatched";
        if (call.attempt > 0 && call.not_applied !== true) call.left_before = true;
        delete call.not_applied;
        call.attempt = event.data.attempt;
        call.effect = event.data.effect;
        call.idempotency_key = event.data.idempotency_key;
        run.active_since_wake = true;
      });
    case "tool_call_finished":
      return onFinished(state, event, event.data);
    case "effect_not_applied":
      return onCall(state, event.data.run_id, event.data.call_id, (call) => {
        if (call.phase === "dispatched") call.phase = "allowed";
        call.not_applied = true;
        if (event.data.attempt === undefined) delete call.left_before;
      });
    case "waiting_for_user_question":
      return onRun(state, event.data.run_id, (run) => {
        const { run_id: _run, ...question } = event.data;
        run.question = question;
        const call = findCall(run, question.about?.unknown_call_id ?? question.request.tool_call_id);
        if (call !== undefined && call.phase !== "settled") call.phase = "asking_user";
      });
    case "user_question_resolved":
      return onRun(state, event.data.run_id, (run) => {
        const asked = run.question;
        delete run.question;
        run.active_since_wake = false;
        run.takeovers = 0;
        if (asked?.resume !== undefined) return goOn(run, asked.resume, event.data.resolution);
        if (asked?.about === undefined) return;
        const call = findCall(run, asked.about.unknown_call_id);
        const again = event.data.resolution.answers.some((answer) =>
          answer.selected_option_ids.includes(UNKNOWN_EFFECT_OPTIONS.runAgain),
        );
        if (call !== undefined && again) call.phase = "allowed";
      });
    case "permission_rule_set":
    case "permission_rule_removed":
      state.rules = rulesAfter(state.rules, event);
      return state;
    case "skill_activated":
    case "skill_deactivated":
      foldSkills(state, event);
      return state;
    case "todos_updated":
      state.todos = event.data.todos;
      return state;
    case "compaction_boundary":
      return onBoundary(state, event.data);
    case "checkpoint":
      return onCheckpoint(state, event.seq, event.data.checkpoint);
    case "completed":
    case "failed":
    case "interrupted":
    case "cancelled":
      if (state.run?.run_id === event.data.run_id) {
        delete state.run;
        delete state.pinned;
      }
      state.rules = withoutRun(state.rules, event.data.run_id);
      return state;
    default:
      return state;
  }
}

function onRun(state: SessionState, runId: string, change: (run: RunState) => void): SessionState {
  if (state.run?.run_id === runId) change(state.run);
  return state;
}

function findCall(run: RunState, callId: string): CallState | undefined {
  return run.calls.find((call) => call.call.id === callId);
}

function goOn(run: RunState, { call_id, state }: AskingCall, resolution: UserQuestionResolution): void {
  const call = findCall(run, call_id);
  if (call?.phase !== "asking_user") return;
  call.phase = "allowed";
  call.resumed = { state, resolution };
}

function onCall(
  state: SessionState,
  runId: string,
  callId: string | undefined,
  change: (call: CallState) => void,
): SessionState {
  return onRun(state, runId, (run) => {
    const call = callId === undefined ? undefined : findCall(run, callId);
    if (call !== undefined) change(call);
  });
}

function addMessage(state: SessionState, event: { seq: number; atMs: number }, message: Message): void {
  state.entries.push({ seq: event.seq, atMs: event.atMs, message, tokens: estimateMessage(message) });
}

function onMessage(
  state: SessionState,
  event: { seq: number; atMs: number },
  data: SessionEvents["message_appended"],
): SessionState {
  addMessage(state, event, data.message);
  return onRun(state, data.run_id, (run) => {
    run.active_since_wake = true;
    if (data.message.role !== "assistant") {
      if (data.nudge === "requirement") run.requirement_nudges += 1;
      else if (data.nudge === "contract") run.contract_repairs += 1;
      else run.output_nudges += 1;
      return;
    }
    const { usage } = data.message;
    run.takeovers = 0;
    run.turn = data.turn + 1;
    run.tried = new Set();
    delete run.remedy;
    delete run.last_model_error;
    run.message_seq = event.seq;
    run.last_message = data.message;
    countCall(run, usage);
    run.calls = toolCallsOf(data.message).map((call) => ({ call, phase: "requested", attempt: 0 }));
  });
}

function onApprovals(state: SessionState, data: SessionEvents["approval_resolved"]): SessionState {
  return onRun(state, data.run_id, (run) => {
    run.active_since_wake = false;
    run.takeovers = 0;
    for (const resolution of data.resolutions) {
      const call = run.calls.find((one) => one.approval_id === resolution.request_id);
      if (call === undefined || call.phase !== "asking_approval") continue;
      if (resolution.updated_input !== undefined)
        call.call = { ...call.call, input: resolution.updated_input };
      // A denied call is settled by the result that is committed together with the resolution.
      if (resolution.behavior === "allow") call.phase = "allowed";
    }
  });
}

function onFinished(
  state: SessionState,
  event: { seq: number; atMs: number },
  data: SessionEvents["tool_call_finished"],
): SessionState {
  if (data.over_limit) dropContexts(state, data.call_id);
  const contexts = state.hook_contexts[data.call_id];
  addResult(state, event, withContexts(state, promptVisible(data.result)));
  return onRun(state, data.run_id, (run) => {
    const call = findCall(run, data.call_id);
    if (call === undefined) return;
    // A result that came with somebody's answer is no work of an executor.
    if (call.phase === "dispatched") run.active_since_wake = true;
    call.phase = "settled";
    call.result = data.result;
    call.output_bytes = data.output_blob?.size_bytes ?? bytesOf(data.result.output);
    call.envelope_bytes = call.output_bytes + bytesAroundOutput(data.result, data.context_updates, contexts);
    if (data.ledger !== "denied") call.performed = true;
    run.takeovers = 0;
    for (const update of data.context_updates ?? []) {
      if (update.type === "file_modified") run.files_modified.add(update.path);
    }
    if (data.ledger !== "denied") run.usage.tool_calls += 1;
    if (data.usage !== undefined) countCall(run, data.usage);
  });
}

/** A model was called, for a turn or by a tool. */
function countCall({ usage: total }: RunState, usage: Usage | undefined): void {
  total.model_calls += 1;
  total.input_tokens += usage?.input_tokens ?? 0;
  total.output_tokens += usage?.output_tokens ?? 0;
  total.cached_input_tokens += usage?.cached_input_tokens ?? 0;
  Object.assign(total, addCost(total, usage ?? {}));
}

/** Results stand together behind their message, in the order of its calls, whatever order they came in (03-R7). */
function addResult(state: SessionState, event: { seq: number; atMs: number }, result: ToolResult): void {
  const last = state.entries.at(-1);
  if (last?.message.role !== "tool") {
    addMessage(state, event, { role: "tool", results: [result] });
    return;
  }
  const order = callOrder(state.entries.at(-2)?.message);
  const results = [...last.message.results, result].sort(
    (a, b) => (order.get(a.call_id) ?? 0) - (order.get(b.call_id) ?? 0),
  );
  last.message = { role: "tool", results };
  last.tokens = estimateMessage(last.message);
}

/** Read from the message, not from the run: the run may be over by the time its journal is folded again. */
function callOrder(message: Message | undefined): Map<string, number> {
  const calls = message?.role === "assistant" ? toolCallsOf(message) : [];
  return new Map(calls.map((call, index) => [call.id, index]));
}

function onBoundary(state: SessionState, data: SessionEvents["compaction_boundary"]): SessionState {
  const { boundary } = data;
  // A snip is carried out by the checkpoint that is committed with it.
  if (boundary.kind === "snip") return state;
  const cleared = Map.groupBy(boundary.cleared, (place) => place.seq);
  for (const entry of state.entries) clearOutputs(entry, cleared.get(entry.seq) ?? []);
  return state;
}

function clearOutputs(entry: Entry, places: readonly ResultPlace[]): void {
  if (entry.message.role !== "tool" || places.length === 0) return;
  const cleared = new Set(places.map((place) => place.call_id));
  const results = entry.message.results.map((result) =>
    cleared.has(result.call_id) ? { ...result, output: CLEARED_OUTPUT } : result,
  );
  entry.message = { role: "tool", results };
  entry.tokens = estimateMessage(entry.message);
}

function onCheckpoint(state: SessionState, seq: number, checkpoint: Checkpoint): SessionState {
  state.checkpoint = { seq, checkpoint };
  const input = state.entries.find((entry) => entry.seq === state.run?.input_seq);
  if (input !== undefined && input.seq < checkpoint.head_seq) state.pinned = input;
  state.entries = state.entries.filter((entry) => entry.seq >= checkpoint.head_seq);
  state.todos = checkpoint.todos;
  state.rules = checkpoint.rules ?? [];
  if (state.run !== undefined) {
    state.run.turn = checkpoint.run.turn;
    state.run.usage = { ...checkpoint.run.usage };
    state.run.output_nudges = checkpoint.run.output_nudges;
    state.run.requirement_nudges = checkpoint.run.requirement_nudges;
    state.run.contract_repairs = checkpoint.run.contract_repairs;
    state.run.files_modified = new Set(checkpoint.run.files_modified);
    state.run.fallback_active = checkpoint.run.fallback_active;
    if (checkpoint.run.fallback !== undefined) state.run.fallback = checkpoint.run.fallback;
    state.run.started_seq = checkpoint.run.started_seq;
    state.run.input_seq = checkpoint.run.input_seq;
    state.run.worked = { ...(checkpoint.run.worked ?? state.run.worked) };
    if (checkpoint.run.hooks !== undefined) state.run.hooks = structuredClone(checkpoint.run.hooks);
    delete state.run.remedy;
  }
  return state;
}
