import {
  type ActiveSkill,
  type AttachmentRef,
  type CapabilityScope,
  type CompletionRequirement,
  type CredentialScope,
  type HookEvent,
  type IsolationName,
  isTaskOver,
  isTerminal,
  type Json,
  type ModelGenerationConfig,
  type OperatorConfig,
  type PermissionMode,
  type PermissionUpdate,
  type ReplyHandle,
  type RoutePolicy,
  type RunKind,
  type RunRequestSummary,
  type RunStatus,
  type SessionGoal,
  type SessionStatus,
  type TaskRecord,
  type ToolOverrides,
  type UsageTotals,
  type UserQuestionRequest,
} from "@kheish/contract";
import type { IndexKeys, Op, PutOp, Store, StoredRecord } from "../kernel/store.ts";
import type { BudgetRecord } from "./budgets/account.ts";
import type { BudgetAsk } from "./budgets/hold.ts";
import type { KeptInputContract, KeptOutputContract } from "./contracts/contracts.ts";
import type { AskingCall, UnknownEffect } from "./events.ts";
import type { FallbackStep } from "./fallback.ts";
import { wants } from "./goals/goal.ts";
import type { UserMessage } from "./messages.ts";
import type { ModelErrorClass, PinnedRoute, RouteTarget, StandingRule, StoredApproval } from "./ports.ts";

/** What the store keeps of a session besides its journal. Revised only by transitions and settings. */
export interface SessionRecord {
  session_id: string;
  agent_id: string;
  nickname: string;
  thread_id?: string;
  created_at_ms: number;
  updated_at_ms: number;
  status: SessionStatus;
  /** The run that holds the session's one slot (01-R43). */
  active_run_id?: string;
  queued_count: number;
  pending_approvals: number;
  pending_questions: number;
  ended_at_ms?: number;
  ended_reason?: string;
  route_policy?: RoutePolicy;
  capability_scope?: CapabilityScope;
  credential_scope?: CredentialScope;
  operator?: OperatorConfig;
  tool_overrides?: ToolOverrides;
  input_contract?: KeptInputContract;
  output_contract?: KeptOutputContract;
  /** Absent: never set; empty: cleared on purpose (01-R17). */
  reply_targets?: ReplyHandle[];
  permission_mode?: PermissionMode;
  /** Set while the agent plans (03-R28): the mode to go back to; absent: the daemon's. */
  planning?: { restore?: PermissionMode };
  /** Where the plan stands that planning last ended with. */
  plan_seq?: number;
  /** Rules that hooks added, by pattern; above the session's own (03-R20, R25). */
  hook_permissions?: PermissionUpdate[];
  /** In the order they began; their instructions stand in the journal (03-R72). */
  active_skills?: ActiveSkill[];
  /** Of `setup` and `session_start`: the hooks that were called for this session. */
  hooks_opened?: HookEvent[];
  /** The session is a hook's own: it has these tools and no others, and no hooks (03-R54). */
  hook_agent?: { tools: string[]; max_turns: number; system_prompt: string };
  /** Seq of the newest checkpoint event: where a fold may start. */
  checkpoint_seq?: number;
  checkpoint_count: number;
  /** Seq of the newest assistant message that ended a run. */
  last_assistant_seq?: number;
  last_error?: string;
  settled_at_ms?: number;
  usage: UsageTotals;
}

/** What the store keeps of a run. Its revision grows only when its status moves, it falls back, or it is in a sandbox no more. */
export interface RunRecord {
  run_id: string;
  session_id: string;
  agent_id: string;
  kind: RunKind;
  status: RunStatus;
  submitted_at_ms: number;
  updated_at_ms: number;
  started_at_ms?: number;
  finished_at_ms?: number;
  request: RunRequestSummary;
  route: PinnedRoute;
  /** The steps it took down its fallback chain, in order (02-A8). */
  fallbacks?: FallbackTaken[];
  generation: ModelGenerationConfig;
  /** The input while the run is queued; from its start on it stands in the journal. */
  queued_input?: UserMessage;
  input_attachments?: AttachmentRef[];
  input_metadata?: Json;
  reply_targets: ReplyHandle[];
  completion_requirements?: CompletionRequirement[];
  /** As the session had it when the run was created (01-R16). */
  output_contract?: KeptOutputContract;
  pending_approval_ids: string[];
  pending_question_ids: string[];
  accepted_seq: number;
  started_seq?: number;
  finished_seq?: number;
  output_seqs: number[];
  error?: string;
  /** Why it failed, for programs. */
  error_code?: string;
  /** What its commands were kept in; of several the weakest. */
  sandbox?: IsolationName;
  usage: UsageTotals;
  principal: string;
}

export interface FallbackTaken extends FallbackStep {
  /** Where the failure stands in the session's journal. */
  seq: number;
  at_ms: number;
  turn: number;
  failure: ModelErrorClass;
  from: RouteTarget;
}

/** One request for a human's yes. Decided at most once: the decision is a guarded write of this record. */
export interface ApprovalRecord {
  request: StoredApproval;
  session_id: string;
  run_id: string;
  /** Where the call and with it the input stands. */
  message_seq: number;
  created_at_ms: number;
  /** What it would extend, in the place of a call that it would allow. */
  budget?: BudgetAsk;
  /** Who has allowed it, where one is not enough; the digests say what. */
  votes?: ApprovalVote[];
  decision?: ApprovalDecision;
}
export interface ApprovalDecision {
  behavior: "allow" | "deny";
  /** Digest of the canonical resolution: the same answer again is not a conflict (01-A1). */
  digest: string;
  decided_by: string;
  decided_at_ms: number;
  /** `room`: a budget began anew, was extended or raised. */
  cause: "answer" | "timeout" | "run_ended" | "room";
}

export interface ApprovalVote {
  by: string;
  digest: string;
  at_ms: number;
}

/** A rule with its place among those that were made (03-A7). Of the daemon under its id, of a session under both. */
export interface PermissionRuleRecord extends StandingRule {
  order: number;
}

/** One structured question. Same guard as an approval. */
export interface QuestionRecord {
  request: UserQuestionRequest;
  session_id: string;
  run_id: string;
  about?: UnknownEffect;
  resume?: AskingCall;
  answer?: {
    digest: string;
    declined: boolean;
    decided_by: string;
    decided_at_ms: number;
    cause: "answer" | "timeout" | "cancelled" | "run_ended";
  };
}

/** Same key, same fingerprint: the same run (01-R28). `run_id` or `session_id` is what the first call made. */
export interface IdempotencyRecord {
  fingerprint: string;
  created_at_ms: number;
  run_id?: string;
  session_id?: string;
}

export interface BindingRecord {
  session_id: string;
}

/** The goal of a session, under the session's id. */
export interface GoalRecord {
  goal: SessionGoal;
  /** Where the objective stands in the journal. */
  objective_seq: number;
  /** Continuations in a row that called no tool. */
  idle_streak: number;
}

interface RecordKinds {
  budget: BudgetRecord;
  session: SessionRecord;
  run: RunRecord;
  approval: ApprovalRecord;
  question: QuestionRecord;
  idempotency: IdempotencyRecord;
  binding: BindingRecord;
  goal: GoalRecord;
  task: StoredTask;
  permission_rule: PermissionRuleRecord;
}
export type RecordKind = keyof RecordKinds;
export type Kept<K extends RecordKind> = { id: string; revision: number; data: RecordKinds[K] };

/** A task under its session's id and its own. */
export interface StoredTask {
  session_id: string;
  task: Omit<TaskRecord, "revision">;
  /** Of a command in the background. */
  shell?: ShellTask;
}

/** What the daemon knows of a background command besides what its task says. */
export interface ShellTask {
  /** The daemon whose process it is; it holds the task's lease for as long as it lives. */
  host: string;
  /** Absolute. */
  cwd: string;
  workspace_root: string;
  /** Whether its sandbox, if there is one, has a network. */
  network: boolean;
  /** It ran in the foreground before: its process is there already. */
  adopted: boolean;
  /** Whose work its end is told to. */
  run: Pick<RunRecord, "run_id" | "agent_id" | "route" | "generation" | "reply_targets">;
  deadline_at_ms: number;
  /** What nobody has been told yet. */
  news?: "ended" | "stalled";
  /** All that is kept of its output, once it is over. */
  output_blob?: { sha256: string; size_bytes: number };
}

/** Zero-padded submission time, `:`, run id (01-R11). */
export function runSortKey(run: Pick<RunRecord, "submitted_at_ms" | "run_id">): string {
  return `${run.submitted_at_ms.toString().padStart(20, "0")}:${run.run_id}`;
}

/** The number in `run-<n>`. */
export function runNumber(runId: string): number {
  return Number(runId.slice("run-".length));
}

/** A task's id holds no slash. */
export function taskRecordId(sessionId: string, taskId: string): string {
  return `${sessionId}/${taskId}`;
}

export function questionRecordId(runId: string, requestId: string): string {
  return `${runId}/${requestId}`;
}

/** A rule's id holds no slash. */
export function permissionRuleId({
  rule_id,
  session_id,
}: Pick<StandingRule, "rule_id" | "session_id">): string {
  return session_id === undefined ? rule_id : `${rule_id}/${session_id}`;
}

/** Declared indexes: what each kind can be listed by. */
const indexKeys: { [K in RecordKind]: (data: RecordKinds[K]) => IndexKeys } = {
  session: (session) => ({ id: [session.session_id], status: [session.status, session.session_id] }),
  run: (run) => ({
    submitted: [runSortKey(run)],
    session: [run.session_id, runSortKey(run)],
    status: [run.status, runSortKey(run)],
    recent: [isTerminal(run.status) ? 0 : 1, run.updated_at_ms, runSortKey(run)],
    ...(run.status === "queued" ? { queue: [run.session_id, run.accepted_seq] } : {}),
  }),
  approval: (approval): IndexKeys =>
    approval.decision === undefined
      ? {
          pending: [approval.created_at_ms],
          run: [approval.run_id, approval.created_at_ms],
          ...(approval.budget === undefined
            ? {}
            : { budget: [approval.budget.account.budget_id, approval.created_at_ms] }),
        }
      : {},
  question: (question): IndexKeys =>
    question.answer === undefined
      ? {
          pending: [question.request.created_at_ms, questionRecordId(question.run_id, question.request.id)],
          session: [
            question.session_id,
            question.request.created_at_ms,
            questionRecordId(question.run_id, question.request.id),
          ],
        }
      : {},
  idempotency: (receipt) => ({ created: [receipt.created_at_ms] }),
  binding: () => ({}),
  budget: ({ budget_id }) => ({ id: [budget_id] }),
  task: ({ session_id, task, shell }): IndexKeys => {
    const over = isTaskOver(task.status);
    return {
      session: [session_id, task.created_at_ms, task.id],
      status: [task.status, session_id, task.created_at_ms, task.id],
      ...(over ? {} : { title: [session_id, titleKey(task.title)] }),
      ...(shell === undefined || over ? {} : { live: [session_id, task.id] }),
      ...(shell?.news === undefined ? {} : { untold: [session_id, task.id] }),
    };
  },
  permission_rule: ({ session_id, order }) => ({
    owner: session_id === undefined ? ["daemon", order] : ["session", session_id, order],
  }),
  goal: ({ goal }): IndexKeys => (wants(goal) === undefined ? {} : { wanting: [goal.session_id] }),
};

/** Titles that differ in nothing but case are one (03-R78). */
export function titleKey(title: string): string {
  return title.toLowerCase();
}

/** Writes a record guarded by the revision it was read at; 0 creates. */
export function put<K extends RecordKind>(
  kind: K,
  id: string,
  data: RecordKinds[K],
  expectedRevision: number,
): PutOp {
  return {
    op: "put",
    kind,
    id,
    data: data as unknown as Json,
    keys: indexKeys[kind](data),
    expectedRevision,
  };
}

export function check(kept: Kept<RecordKind>, kind: RecordKind): Op {
  return { op: "check", kind, id: kept.id, revision: kept.revision };
}

export async function read<K extends RecordKind>(
  store: Store,
  kind: K,
  id: string,
): Promise<Kept<K> | undefined> {
  const stored = await store.get(kind, id);
  return stored === undefined ? undefined : kept(kind, stored);
}

export async function readMany<K extends RecordKind>(
  store: Store,
  kind: K,
  ids: readonly string[],
): Promise<Kept<K>[]> {
  if (ids.length === 0) return [];
  return (await store.getMany(kind, ids)).map((stored) => kept(kind, stored));
}

/** The writer was `put`, so the shape is known. */
export function kept<K extends RecordKind>(_kind: K, stored: StoredRecord): Kept<K> {
  return { id: stored.id, revision: stored.revision, data: stored.data as unknown as RecordKinds[K] };
}
