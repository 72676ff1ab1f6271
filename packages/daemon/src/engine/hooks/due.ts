import type { HookEvent, HookPayload, Json } from "@kheish/contract";
import { type ToolResult, textOf } from "../messages.ts";
import type { CallState, RunState, SessionState } from "../state.ts";
import type { Step } from "../step.ts";
import { type DueHook, type HookScope, hookInput } from "./port.ts";

/** What `decide` must know to see that hooks come first. Absent where none are configured: they cost nothing then. */
export interface HookView {
  wants: (event: HookEvent, subject: string) => boolean;
  scope: HookScope;
  /** Of `setup` and `session_start`: what earlier runs of the session have had called. */
  opened: readonly HookEvent[];
  /** The session has had a run before. */
  resumes: boolean;
  workspaceRoot: string;
}

/** A run that waits or is at its end, be it for what hooks did to the daemon, calls none. */
const GOES_ON: ReadonlySet<Step["kind"]> = new Set([
  "call_model",
  "shrink_context",
  "authorize",
  "recover",
  "run_tools",
  "nudge",
  "finish",
]);

/** The step, or the hooks that come before it: a pure function of what is known. */
export function withHooks(state: SessionState, run: RunState, step: Step, hooks: HookView): Step {
  if (!GOES_ON.has(step.kind)) return step;
  const after = run.calls.flatMap((call) => afterCall(run, call, hooks));
  if (after.length > 0) return { kind: "call_hooks", due: after };
  const due = beforeStep(state, run, step, hooks);
  return due === undefined ? step : { kind: "call_hooks", due: [due] };
}

function beforeStep(state: SessionState, run: RunState, step: Step, hooks: HookView): DueHook | undefined {
  switch (step.kind) {
    case "call_model":
      return opening(state, run, hooks);
    case "shrink_context":
      return opening(state, run, hooks) ?? beforeCompaction(run, step, hooks);
    case "finish":
      return beforeStop(run, hooks);
    default:
      return undefined;
  }
}

/** The first things of a run, one after the other. */
function opening(state: SessionState, run: RunState, hooks: HookView): DueHook | undefined {
  if (run.turn > 0) return undefined;
  const source = hooks.resumes ? "resume" : "startup";
  const isNew = (event: HookEvent) => !hooks.opened.includes(event) && !run.hooks.opened.includes(event);
  if (isNew("setup") && hooks.wants("setup", source)) {
    return due(hooks, "setup", source, "setup", { workspace_root: hooks.workspaceRoot });
  }
  if (isNew("session_start") && hooks.wants("session_start", source)) {
    return due(hooks, "session_start", source, "session_start", { source });
  }
  if (run.hooks.opened.includes("user_prompt_submit")) return undefined;
  const input = promptOf(state, run);
  if (input === undefined || !hooks.wants("user_prompt_submit", "")) return undefined;
  return due(hooks, "user_prompt_submit", "", "prompt", { prompt: input });
}

/** What somebody wrote; what the daemon tells a run of its own is no prompt. */
function promptOf(state: SessionState, run: RunState): string | undefined {
  const entry = [state.pinned, ...state.entries].find((one) => one?.seq === run.input_seq);
  const message = entry?.message;
  return message?.role === "user" && message.synthetic !== true ? textOf(message) : undefined;
}

function beforeCompaction(
  run: RunState,
  { plan }: Extract<Step, { kind: "shrink_context" }>,
  hooks: HookView,
): DueHook | undefined {
  if (plan.kind !== "session_memory" && plan.kind !== "model_driven") return undefined;
  const trigger = plan.kind === "model_driven" ? plan.trigger : "auto";
  if (run.hooks.compact_turn === run.turn || !hooks.wants("pre_compact", trigger)) return undefined;
  return due(hooks, "pre_compact", trigger, ["pre_compact", run.turn], {
    trigger,
    strategy: plan.kind,
    messages_removed: plan.removed,
    pre_tokens: plan.preTokens,
  });
}

function beforeStop(run: RunState, hooks: HookView): DueHook | undefined {
  if (run.hooks.stop_seq === run.message_seq || !hooks.wants("stop", "")) return undefined;
  return due(hooks, "stop", "", ["stop", run.message_seq], {
    last_assistant_message: run.last_message === undefined ? "" : textOf(run.last_message),
    stop_hook_active: run.hooks.stop_blocks > 0,
  });
}

/** A call that was performed and has its result; those that never left have none of their own. */
function afterCall(run: RunState, call: CallState, hooks: HookView): DueHook[] {
  const { result } = call;
  if (call.phase !== "settled" || call.performed !== true || result === undefined) return [];
  const event = result.is_error ? "post_tool_use_failure" : "post_tool_use";
  const called = call.hooks?.called ?? [];
  if (called.includes("post_tool_use") || called.includes("post_tool_use_failure")) return [];
  if (!hooks.wants(event, call.call.name)) return [];
  return [afterOf(run, call, result, hooks)];
}

function afterOf(run: RunState, call: CallState, result: ToolResult, hooks: HookView): DueHook {
  const place = ["post", run.message_seq, call.call.id];
  const told = { ...callOf(call), output: result.output };
  const subject = call.call.name;
  return result.is_error
    ? due(hooks, "post_tool_use_failure", subject, place, { ...told, is_error: true }, call.call.id)
    : due(hooks, "post_tool_use", subject, place, { ...told, is_error: false }, call.call.id);
}

/** The hooks before a dispatch that were not called yet, for those of the calls that they are interested in. */
export function beforeDispatch(run: RunState, batch: readonly CallState[], hooks: HookView): DueHook[] {
  return batch
    .filter(
      ({ call, hooks: past }) =>
        past?.called.includes("pre_tool_use") !== true && hooks.wants("pre_tool_use", call.name),
    )
    .map((call) =>
      due(
        hooks,
        "pre_tool_use",
        call.call.name,
        ["pre_tool_use", run.message_seq, call.call.id],
        callOf(call),
        call.call.id,
      ),
    );
}

/** The hooks of a verdict that would ask somebody or deny (03-R24); undefined when they were called. */
export function onVerdict(
  run: RunState,
  call: CallState,
  verdict: { decision: "ask" | "deny"; reason: string; mode: string; scope: string },
  hooks: HookView,
): DueHook | undefined {
  const event = verdict.decision === "ask" ? "permission_request" : "permission_denied";
  const { name, id } = call.call;
  if (call.hooks?.called.includes(event) === true || !hooks.wants(event, name)) return undefined;
  const { mode, scope, reason } = verdict;
  const told = { ...callOf(call), permission_mode: mode, scope, reason };
  // Rules may have changed since a call that came to nothing: what is asked anew is another question, under its own key.
  return due(hooks, event, name, [event, run.message_seq, id, mode, scope, reason], told, id);
}

/** Before a question is put to a human. */
export function beforeQuestion(
  run: RunState,
  call: CallState,
  payload: HookPayload<"elicitation">,
  hooks: HookView,
): DueHook | undefined {
  const { name, id } = call.call;
  if (!hooks.wants("elicitation", name)) return undefined;
  return due(hooks, "elicitation", name, ["elicitation", run.message_seq, id], payload, id);
}

function callOf({ call }: CallState) {
  return { tool_name: call.name, tool_call_id: call.id, input: call.input };
}

function due<E extends HookEvent>(
  hooks: HookView,
  event: E,
  subject: string,
  place: Json,
  payload: HookPayload<E>,
  callId?: string,
): DueHook {
  const input = hookInput(event, hooks.scope, { subject, place, payload });
  return callId === undefined ? { input } : { input, callId };
}
