import type { HookEvent, HookOutcome } from "@kheish/contract";
import { estimateMessage } from "../context/estimate.ts";
import { promptVisible } from "../context/visible-output.ts";
import type { RecordedEvent } from "../events.ts";
import type { ToolResult, UserMessage } from "../messages.ts";
import type { CallState, RunState, SessionState } from "../state.ts";
import { blockReason, isBlocked } from "./port.ts";

/** A run that its stop hooks still keep from ending fails (03-R46). */
const MAX_STOP_BLOCKS = 3;
/** 01-R86. */
const MAX_DENIED_RETRIES = 2;

type HooksCalled = Extract<RecordedEvent, { type: "hooks_called" }>;

/** What hooks said, and what follows from it for the run, its calls and what the model is shown. */
export function foldHooks(state: SessionState, event: HooksCalled): SessionState {
  const { run } = state;
  const { run_id, event: name, call_id, outcome } = event.data;
  if (run?.run_id !== run_id) return state;
  run.active_since_wake = true;
  run.takeovers = 0;
  const call = call_id === undefined ? undefined : run.calls.find((one) => one.call.id === call_id);
  if (call !== undefined) onCall(state, run, call, name, outcome);
  else if (call_id === undefined) onRun(state, run, event);
  return state;
}

function onRun(state: SessionState, run: RunState, event: HooksCalled): void {
  const { event: name, outcome } = event.data;
  const { hooks } = run;
  const blocked = isBlocked(outcome);
  const said = [...(outcome.additional_contexts ?? [])];
  if (name === "stop") {
    hooks.stop_seq = run.message_seq;
    // Allowed to end, it ends: there is nobody left to tell anything.
    if (outcome.decision !== "block" || outcome.continue_execution === false) return;
    hooks.stop_blocks += 1;
    if (hooks.stop_blocks > MAX_STOP_BLOCKS) {
      hooks.blocked = `its stop hooks refused ${hooks.stop_blocks} answers: ${blockReason(name, outcome)}`;
      return;
    }
    said.unshift(`You are not done yet: ${blockReason(name, outcome)}`);
  } else if (name === "pre_compact") {
    hooks.compact_turn = run.turn;
    hooks.compact_vetoed = blocked;
  } else {
    hooks.opened.push(name);
    if (blocked) hooks.blocked = blockReason(name, outcome);
    if (outcome.initial_user_message !== undefined) said.unshift(outcome.initial_user_message);
  }
  if (said.length === 0) return;
  const message: UserMessage = {
    role: "user",
    id: `hook-${run.run_id}-${event.seq}`,
    synthetic: true,
    parts: said.map((text) => ({ type: "text", text })),
  };
  state.entries.push({ seq: event.seq, atMs: event.atMs, message, tokens: estimateMessage(message) });
}

function onCall(
  state: SessionState,
  run: RunState,
  call: CallState,
  name: HookEvent,
  outcome: HookOutcome,
): void {
  call.hooks ??= { called: [], contexts: [] };
  const { hooks } = call;
  hooks.called.push(name);
  hooks.contexts.push(...(outcome.additional_contexts ?? []));
  switch (name) {
    case "permission_request":
      onPermission(call, outcome);
      return;
    case "permission_denied":
      // It may have the model try again, and never decides (03-R46).
      if (outcome.retry !== true || run.hooks.denied_retries >= MAX_DENIED_RETRIES) return;
      run.hooks.denied_retries += 1;
      hooks.retry = true;
      return;
    case "post_tool_use":
    case "post_tool_use_failure":
      onResult(state, call, name, outcome);
      return;
    default:
      return;
  }
}

function onPermission(call: CallState, outcome: HookOutcome): void {
  const { hooks } = call;
  if (hooks === undefined) return;
  if (outcome.updated_input !== undefined) {
    call.call = { ...call.call, input: outcome.updated_input };
    hooks.edited = true;
  }
  const reason = blockReason("permission_request", outcome);
  if (isBlocked(outcome) || outcome.permission === "deny") hooks.permission = { behavior: "deny", reason };
  else if (outcome.permission === "allow") hooks.permission = { behavior: "allow", reason };
}

/** The result as the model is shown it: with another output, turned into an error, with what hooks add (03-R46). */
function onResult(state: SessionState, call: CallState, name: HookEvent, outcome: HookOutcome): void {
  const { result } = call;
  if (result === undefined) return;
  const output = outcome.updated_output ?? result.output;
  const blocked = isBlocked(outcome);
  call.result = {
    ...result,
    output: blocked
      ? {
          error: blockReason(name, outcome),
          hook_blocked: true,
          output: promptVisible({ ...result, output }).output,
        }
      : output,
    is_error: result.is_error || blocked,
  };
  const shown = withContexts(promptVisible(call.result), call);
  const entry = state.entries.findLast(
    ({ message }) => message.role === "tool" && message.results.some((one) => one.call_id === result.call_id),
  );
  if (entry?.message.role !== "tool") return;
  const results = entry.message.results.map((one) => (one.call_id === result.call_id ? shown : one));
  entry.message = { role: "tool", results };
  entry.tokens = estimateMessage(entry.message);
}

/** A result with what hooks had to say about its call. */
export function withContexts(result: ToolResult, call: CallState | undefined): ToolResult {
  const contexts = call?.hooks?.contexts ?? [];
  return contexts.length === 0 ? result : { ...result, hook_contexts: [...contexts] };
}
