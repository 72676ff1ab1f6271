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

/**
 * What hooks said, and what follows from it. The conversation is folded from the event alone: the run may be over by
 * the time its journal is folded again.
 */
export function foldHooks(state: SessionState, event: HooksCalled): SessionState {
  const { run_id, event: name, call_id, outcome } = event.data;
  if (call_id === undefined) addSaid(state, event);
  else if (isAfterCall(name)) changeShown(state, call_id, name, outcome);
  else keepContexts(state, call_id, outcome);

  const { run } = state;
  if (run?.run_id !== run_id) return state;
  run.active_since_wake = true;
  run.takeovers = 0;
  const call = run.calls.find((one) => one.call.id === call_id);
  if (call !== undefined) onCall(run, call, name, outcome);
  else if (call_id === undefined) onRun(run, name, outcome);
  return state;
}

function isAfterCall(event: HookEvent): event is "post_tool_use" | "post_tool_use_failure" {
  return event === "post_tool_use" || event === "post_tool_use_failure";
}

/** What hooks of the run have to say to the model. */
function addSaid(state: SessionState, { seq, atMs, data }: HooksCalled): void {
  const { event, outcome, run_id } = data;
  const { initial_user_message: first, additional_contexts: contexts = [] } = outcome;
  const goesOn = event === "stop" && outcome.decision === "block" && outcome.continue_execution !== false;
  // Allowed to end, it ends: there is nobody left to tell anything.
  if (event === "stop" && !goesOn) return;
  const said = [
    ...(goesOn ? [`You are not done yet: ${blockReason(event, outcome)}`] : []),
    ...(first === undefined ? [] : [first]),
    ...contexts,
  ];
  if (said.length === 0) return;
  const message: UserMessage = {
    role: "user",
    id: `hook-${run_id}-${seq}`,
    synthetic: true,
    parts: said.map((text) => ({ type: "text", text })),
  };
  state.entries.push({ seq, atMs, message, tokens: estimateMessage(message) });
}

/** Until the call has its result. */
function keepContexts(state: SessionState, callId: string, { additional_contexts }: HookOutcome): void {
  if (additional_contexts === undefined) return;
  state.hook_contexts[callId] = [...(state.hook_contexts[callId] ?? []), ...additional_contexts];
}

/** A result that is over a limit is told without them. */
export function dropContexts(state: SessionState, callId: string): void {
  const { [callId]: _dropped, ...others } = state.hook_contexts;
  state.hook_contexts = others;
}

/** A result with what hooks had to say about its call before. */
export function withContexts(state: SessionState, result: ToolResult): ToolResult {
  const { [result.call_id]: contexts, ...others } = state.hook_contexts;
  if (contexts === undefined) return result;
  state.hook_contexts = others;
  return { ...result, hook_contexts: contexts };
}

/** The result as the model is shown it. */
function changeShown(state: SessionState, callId: string, event: HookEvent, outcome: HookOutcome): void {
  const entry = state.entries.findLast(
    ({ message }) => message.role === "tool" && message.results.some(({ call_id }) => call_id === callId),
  );
  if (entry?.message.role !== "tool") return;
  const results = entry.message.results.map((one) =>
    one.call_id === callId ? promptVisible(changed(one, event, outcome)) : one,
  );
  entry.message = { role: "tool", results };
  entry.tokens = estimateMessage(entry.message);
}

/** With another output, turned into an error, with what hooks add (03-R46). */
function changed(result: ToolResult, event: HookEvent, outcome: HookOutcome): ToolResult {
  const output = outcome.updated_output ?? result.output;
  const contexts = [...(result.hook_contexts ?? []), ...(outcome.additional_contexts ?? [])];
  const isRefused = isBlocked(outcome);
  return {
    ...result,
    output: isRefused ? { error: blockReason(event, outcome), hook_blocked: true, output } : output,
    is_error: result.is_error || isRefused,
    ...(contexts.length === 0 ? {} : { hook_contexts: contexts }),
  };
}

function onRun({ hooks, turn, message_seq }: RunState, name: HookEvent, outcome: HookOutcome): void {
  const blocked = isBlocked(outcome);
  if (name === "stop") {
    hooks.stop_seq = message_seq;
    if (outcome.decision !== "block" || outcome.continue_execution === false) return;
    hooks.stop_blocks += 1;
    if (hooks.stop_blocks <= MAX_STOP_BLOCKS) return;
    hooks.blocked = `its stop hooks refused ${hooks.stop_blocks} answers: ${blockReason(name, outcome)}`;
  } else if (name === "pre_compact") {
    hooks.compact_turn = turn;
    hooks.compact_vetoed = blocked;
  } else {
    hooks.opened.push(name);
    if (blocked) hooks.blocked = blockReason(name, outcome);
  }
}

function onCall({ hooks: ofRun }: RunState, call: CallState, name: HookEvent, outcome: HookOutcome): void {
  call.hooks ??= { called: [] };
  const { hooks } = call;
  hooks.called.push(name);
  if (name === "permission_request") {
    if (outcome.updated_input !== undefined) {
      call.call = { ...call.call, input: outcome.updated_input };
      hooks.edited = true;
    }
    const reason = blockReason(name, outcome);
    if (isBlocked(outcome) || outcome.permission === "deny") hooks.permission = { behavior: "deny", reason };
    else if (outcome.permission === "allow") hooks.permission = { behavior: "allow", reason };
  } else if (name === "permission_denied") {
    // It may have the model try again, and never decides (03-R46).
    if (outcome.retry !== true || ofRun.denied_retries >= MAX_DENIED_RETRIES) return;
    ofRun.denied_retries += 1;
    hooks.retry = true;
  }
}
