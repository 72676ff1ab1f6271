import type { ActiveSkillSnapshot, Json, UsageTotals, UserQuestionRequest } from "@kheish/contract";
import type { BudgetHold } from "./budgets/hold.ts";
import type { AfterModelError, AskingCall, Checkpoint, UnknownEffect, WorkedTime } from "./events.ts";
import type { FallbackPlace } from "./fallback.ts";
import { type CallHooks, newRunHooks, type RunHooks } from "./hooks/state.ts";
import type { AssistantMessage, Message, ToolCall, ToolResult } from "./messages.ts";
import type { EffectClass, ModelError, Resumed, StandingRule } from "./ports.ts";
import { ZERO_USAGE } from "./usage.ts";

/** What the fold of a session's journal knows. Rebuilt at any time; a cache, never the truth. */
export interface SessionState {
  /** The last folded seq. */
  seq: number;
  /** The prompt's messages since the last checkpoint or snip, each with where it stands in the journal. */
  entries: Entry[];
  /** The active run's input, once the prompt begins after it: what the work is about is never cut (01-R78). */
  pinned?: Entry;
  checkpoint?: { seq: number; checkpoint: Checkpoint };
  todos: Json[];
  /** The session's own rules, in the order they were made. */
  rules: readonly StandingRule[];
  /** Active skills, in the order they began, each with where it stands in the journal. */
  skills: { seq: number; skill: ActiveSkillSnapshot }[];
  /** What hooks and skills have to say with the results of calls that have none yet, by the ids of the calls. */
  hook_contexts: Record<string, string[]>;
  run?: RunState;
}

export interface Entry {
  seq: number;
  atMs: number;
  message: Message;
  /** Estimated tokens of the message as the prompt shows it. */
  tokens: number;
}

/** The active run. */
export interface RunState {
  run_id: string;
  started_seq: number;
  /** Where its input stands; 0 before it is folded. */
  input_seq: number;
  /** Model calls that produced a message. */
  turn: number;
  /** The calls of the newest assistant message, in order. */
  calls: CallState[];
  /** Seq of that message. */
  message_seq: number;
  last_message?: AssistantMessage;
  usage: UsageTotals;
  question?: { request: UserQuestionRequest; about?: UnknownEffect; resume?: AskingCall };
  output_nudges: number;
  requirement_nudges: number;
  /** Repair turns asked for; once there is one, tools are withheld (01-R34). */
  contract_repairs: number;
  /** Workspace-relative paths that calls of this run wrote. */
  files_modified: Set<string>;
  /** Consecutive failed compactions in this run, in this process (01-R81). */
  compact_failures: number;
  fallback_active: boolean;
  /** Where its calls go since it fell back. */
  fallback?: FallbackPlace;
  /** Remedies already tried for the present turn (01-R85). */
  tried: Set<"snip" | "compact" | "fallback">;
  last_model_error?: ModelError;
  /** What `decide` must do before the call is made again. */
  remedy?: AfterModelError;
  /** No remedy is left for `last_model_error`. */
  model_given_up: boolean;
  /** Takeovers since the last durable progress; bounds what keeps killing the daemon. */
  takeovers: number;
  /** True when the run did something since it was last started or woken. */
  active_since_wake: boolean;
  /** Held by a model call that is under way, or was when its process died. */
  hold?: BudgetHold;
  /** The approval that would extend a budget for this run. */
  budget_ask?: { approval_id: string; budget_id: string };
  /** Nobody extended it: why. */
  budget_denied?: string;
  /** It waits for what other calls hold. */
  budget_busy?: true;
  worked: WorkedTime;
  hooks: RunHooks;
}

/**
 * One requested effect.
 * requested -> allowed | asking_approval | settled (denied, refused)
 * asking_approval -> allowed | settled (denied)
 * allowed -> dispatched
 * dispatched -> settled | asking_user | dispatched again (next attempt) | allowed (it did nothing yet)
 * asking_user -> settled | allowed (it goes on with the answer)
 */
export interface CallState {
  /** With the input that would run: an approver may have edited it. */
  call: ToolCall;
  phase: "requested" | "asking_approval" | "allowed" | "dispatched" | "asking_user" | "settled";
  approval_id?: string;
  attempt: number;
  effect?: EffectClass;
  idempotency_key?: string;
  /** The last answer that it asked for; its next attempt finds it. */
  resumed?: Resumed;
  result?: ToolResult;
  /** Of the whole output, be it kept as a blob. */
  output_bytes?: number;
  /** Of the whole result: the output, and what came with it. */
  envelope_bytes?: number;
  /** The result is what came of it, not why it never left. */
  performed?: true;
  /** Its last attempt did nothing. */
  not_applied?: true;
  /** An attempt before the last one left, and nobody knows what became of it. */
  left_before?: true;
  hooks?: CallHooks;
}

/** What the prompt shows of the conversation, in order. */
export function visible(state: SessionState): Entry[] {
  return state.pinned === undefined ? state.entries : [state.pinned, ...state.entries];
}

export function emptyState(): SessionState {
  return { seq: 0, entries: [], todos: [], rules: [], skills: [], hook_contexts: {} };
}

export function newRun(runId: string, startedSeq: number): RunState {
  return {
    run_id: runId,
    started_seq: startedSeq,
    input_seq: 0,
    turn: 0,
    calls: [],
    message_seq: 0,
    usage: { ...ZERO_USAGE },
    output_nudges: 0,
    requirement_nudges: 0,
    contract_repairs: 0,
    files_modified: new Set(),
    compact_failures: 0,
    fallback_active: false,
    tried: new Set(),
    model_given_up: false,
    takeovers: 0,
    active_since_wake: false,
    worked: { ms: 0 },
    hooks: newRunHooks(),
  };
}
