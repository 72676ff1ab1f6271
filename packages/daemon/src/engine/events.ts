import type {
  ActiveSkillSnapshot,
  ApprovalResolution,
  BudgetAmounts,
  HookEvent,
  HookOutcome,
  IsolationName,
  Json,
  PermissionAudit,
  PermissionMode,
  RunKind,
  SessionGoal,
  SessionStatus,
  TaskStatus,
  UsageTotals,
  UserQuestionRequest,
  UserQuestionResolution,
} from "@kheish/contract";
import type { NewEvent, StoredEvent } from "../kernel/store.ts";
import type { BudgetHold } from "./budgets/hold.ts";
import type { FallbackPlace, FallbackStep } from "./fallback.ts";
import type { RunHooks } from "./hooks/state.ts";
import type { AssistantMessage, ToolResult, Usage, UserMessage } from "./messages.ts";
import type { ContextUpdate, EffectClass, ModelError, StandingRule, StoredApproval } from "./ports.ts";

/**
 * Everything that can happen to a session, in the one stream `session/<id>`.
 * A run's own history is the part of it that carries its `run_id`; the conversation is the rest of the fold.
 * Payloads that are large stand here once and are referred to by seq from everywhere else.
 */
export interface SessionEvents {
  // the session itself
  session_created: { agent_id: string };
  session_updated: { field: string };
  session_ended: { reason?: string };
  session_reopened: Record<string, never>;
  session_interrupted: Record<string, never>;
  session_state_changed: { status: SessionStatus; pending_approvals: number; pending_questions: number };

  // its goal
  goal_set: { goal: GoalNews };
  /** `objective_seq` points at the `goal_set` whose objective still holds. */
  goal_moved: { goal: Omit<GoalNews, "objective">; objective_seq: number };
  goal_cleared: { goal_id: string };

  // how a run moves (the run event log)
  accepted: { run_id: string; kind: RunKind };
  queued: { run_id: string; position: number };
  started: { run_id: string };
  /** A daemon took over a run that another process had begun. */
  resumed: { run_id: string; attempt: number };
  waiting_for_approval: { run_id: string; message_seq: number; requests: StoredApproval[] };
  /** `pending`: what the run still waits for. */
  approval_resolved: {
    run_id: string;
    resolutions: ApprovalResolution[];
    decided_by: string;
    pending: string[];
  };
  /** Somebody allowed it, and others have to as well. */
  approval_voted: {
    run_id: string;
    request_id: string;
    approved_by: string[];
    required_approvals: number;
    pending: string[];
  };
  /** Its deadline passed unheard: the circle of those who may allow it is smaller from now on. */
  approval_escalated: { run_id: string; request_id: string; expires_at_ms: number; pending: string[] };
  waiting_for_user_question: {
    run_id: string;
    request: UserQuestionRequest;
    about?: UnknownEffect;
    resume?: AskingCall;
  };
  user_question_resolved: { run_id: string; resolution: UserQuestionResolution; decided_by: string };
  /** The answer as its output contract wants it: canonical JSON (01-R34). */
  answer_conformed: { run_id: string; message_seq: number; content: string };
  /**
   * `message_seq` points at the assistant message whose text this is; `conformed_seq` at what a contract made of it.
   */
  output: {
    run_id: string;
    source_kind: string;
    message_seq?: number;
    conformed_seq?: number;
    content?: string;
    plugin?: string;
    address: Json;
  };
  completed: { run_id: string };
  /** `code`: why, for programs. */
  failed: { run_id: string; error: string; code?: string };
  /** `by`: the principal that asked for it. */
  interrupted: { run_id: string; reason?: string; by?: string };
  cancelled: { run_id: string; reason?: string; by?: string };

  // the conversation and its effects
  input_received: { run_id: string; message: UserMessage };
  /** `nudge`: the daemon's own words, and why. */
  message_appended: {
    run_id: string;
    turn: number;
    message: AssistantMessage | UserMessage;
    nudge?: Nudge;
  };
  model_call_failed: {
    run_id: string;
    turn: number;
    model: string;
    error: ModelError;
    next: AfterModelError;
    /** Where `next: "fallback"` goes. */
    fallback?: FallbackStep;
  };
  /** What the next model call may use at most, taken out of its budgets before it leaves. */
  budget_reserved: { run_id: string; hold: BudgetHold };
  /** The call is over: what it used, or, when nobody knows, what was held for it (`cut`). */
  budget_settled: { run_id: string; used: BudgetAmounts; cut?: true };
  /** What other calls hold of a budget leaves no room now; the run looks again soon. */
  budget_busy: { run_id: string; budget_id: string };
  /** What the hooks of an event said; what follows from it stands in the same commit. */
  hooks_called: {
    run_id: string;
    event: HookEvent;
    invocation_key: string;
    /** The call that they were about. */
    call_id?: string;
    outcome: HookOutcome;
  };
  permission_audit: { run_id: string; audit: PermissionAudit };
  /** A rule of the session was made or replaced, `by` whom the rule says. */
  permission_rule_set: { rule: StandingRule };
  /** Those that hold for one run end with it, without a word. */
  permission_rule_removed: { rule_id: string; cause: "deleted" | "expired"; by: string };
  plan_mode_entered: { run_id: string; pre_plan_mode: PermissionMode; note?: string };
  plan_mode_left: { run_id: string; restored: PermissionMode; plan: string; summary?: string };
  /** In the place of an earlier activation of it; `call_id`: the agent's own doing, whose result tells it. */
  skill_activated: { run_id?: string; call_id?: string; skill: ActiveSkillSnapshot };
  skill_deactivated: { run_id?: string; call_id?: string; name: string; digest: string };
  /** Dispatch of the effect ledger: written before the effect leaves. */
  tool_call_started: {
    run_id: string;
    call_id: string;
    tool_name: string;
    attempt: number;
    effect: EffectClass;
    idempotency_key: string;
    /** What keeps the command, or the server that is called, apart from the machine. */
    sandbox?: IsolationName;
  };
  /** The outcome of the effect ledger. `output_blob` holds what was too large for the journal. */
  tool_call_finished: {
    run_id: string;
    call_id: string;
    result: ToolResult;
    ledger: LedgerOutcome;
    duration_ms?: number;
    context_updates?: ContextUpdate[];
    /** It says which limit the result was over; what hooks had to say about the call went with it (03-R3). */
    over_limit?: true;
    output_blob?: { sha256: string; size_bytes: number };
    /** What a model used for the call. */
    usage?: Usage;
  };
  /**
   * The call did nothing, so its next attempt repeats nothing: none of its attempts did, as was read back; with `attempt`,
   * that one did not, and nobody has looked after those before it.
   */
  effect_not_applied: { run_id: string; call_id: string; attempt?: number };
  /** A task was made, moved or is gone; what it is like stands in its record. */
  task_changed: {
    task_id: string;
    change: "created" | "updated" | "stop_requested" | "deleted";
    status: TaskStatus;
    /** Of a background command, the daemon whose process it is. */
    host?: string;
    run_id?: string;
  };
  todos_updated: { run_id: string; todos: Json[] };
  compaction_boundary: { run_id: string; boundary: Boundary };
  checkpoint: { run_id: string; checkpoint: Checkpoint };
}

export type SessionEventType = keyof SessionEvents;
export type SessionEvent = {
  [T in SessionEventType]: { type: T; data: SessionEvents[T] };
}[SessionEventType];
export type RecordedEvent = SessionEvent & { seq: number; atMs: number; position: number };

/** A goal without what each run was charged. */
export type GoalNews = Omit<SessionGoal, "accounted_usage">;

/** An unknown effect that a human is asked about (policy `ask_operator`). */
export interface UnknownEffect {
  unknown_call_id: string;
  tool_name: string;
}

/** A call that goes on with the answer, in the place of having it as its result; `state` is what it kept. */
export interface AskingCall {
  call_id: string;
  state: Json;
}

/** `settled`: done. `failed`: done with an error. `denied`: never left. */
export type LedgerOutcome = "settled" | "failed" | "denied" | "unknown" | "reconciled";

/** Cut at the output limit (01-R86), a requirement unmet (01-R36), an output contract broken (01-R34). */
export type Nudge = "output" | "requirement" | "contract";

/** What the run does after a failed model call (01-R85). */
export type AfterModelError = "snip" | "compact" | "fallback" | "fail";

export type Boundary =
  | { kind: "snip"; head_seq: number; messages_removed: number; tokens_freed: number }
  | { kind: "microcompact"; cleared: ResultPlace[]; tokens_freed: number };

/** Where a tool result stands: the seq of its message, too, because the ids of calls begin anew in each run. */
export interface ResultPlace {
  seq: number;
  call_id: string;
}

/**
 * A point from which the fold may start: what came before `head_seq` is in the summary.
 * It holds no message, only counters and offsets (01, weakness 5).
 */
export interface Checkpoint {
  /** The first journal seq that is still part of the prompt. */
  head_seq: number;
  summary?: Summary;
  strategy: "snip" | "session_memory" | "model_driven";
  trigger: "auto" | "forced";
  pre_tokens: number;
  post_tokens: number;
  messages_removed: number;
  /** SHA-256 over the previous checkpoint's digest and this summary: a chain. */
  digest: string;
  todos: Json[];
  /** The session's rules; absent: it has none. */
  rules?: StandingRule[];
  /** Where the active skills stand, in the order they began; absent: none. */
  skills?: number[];
  run: RunCounters;
}

export interface Summary {
  title: string;
  content: string;
}

/** Counters of the active run that must survive a checkpoint. */
export interface RunCounters {
  turn: number;
  usage: UsageTotals;
  output_nudges: number;
  requirement_nudges: number;
  contract_repairs: number;
  files_modified: string[];
  fallback_active: boolean;
  fallback?: FallbackPlace;
  started_seq: number;
  input_seq: number;
  /** Absent where hooks had nothing to do with the run so far. */
  hooks?: RunHooks;
  /** Absent where an earlier version wrote it. */
  worked?: WorkedTime;
}

/** Time that a run worked and that no budget was charged with yet; it works since then, unless it waits. */
export interface WorkedTime {
  ms: number;
  since_ms?: number;
}

/** The stream of a session's journal. */
export function sessionStream(sessionId: string): string {
  return `session/${sessionId}`;
}
export function sessionOfStream(stream: string): string | undefined {
  return stream.startsWith("session/") ? stream.slice("session/".length) : undefined;
}

/** A typed event on its way into the store. */
export function event<T extends SessionEventType>(type: T, data: SessionEvents[T], atMs: number): NewEvent {
  return { type, atMs, data: data as unknown as Json };
}

/** A stored event of a session stream as its type. The writer was `event`, so the shape is known. */
export function recorded(stored: StoredEvent): RecordedEvent {
  return {
    type: stored.type,
    data: stored.data,
    seq: stored.seq,
    atMs: stored.atMs,
    position: stored.position,
  } as unknown as RecordedEvent;
}

/** The run an event belongs to, if any. */
export function runOf(event: { data: unknown }): string | undefined {
  const data = event.data as { run_id?: unknown };
  return typeof data.run_id === "string" ? data.run_id : undefined;
}
