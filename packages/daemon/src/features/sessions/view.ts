import type {
  AgentSnapshot,
  DaemonOutputRecord,
  PlanArtifact,
  SessionGoal,
  SessionView,
  SessionViewSummary,
} from "@kheish/contract";
import {
  answerText,
  eventAt,
  type Kept,
  pendingQuestions,
  read,
  readMany,
  type SessionRecord,
  sessionStream,
  shownSkills,
} from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import { approvalsOf, outputsOf } from "../runs/index.ts";

/** The newest runs whose outputs a session view shows; older ones are read per run (01, weakness 16). */
const RECENT_RUNS = 50;

function common(session: SessionRecord, goal: SessionGoal | undefined) {
  const { capability_scope: capability, credential_scope: credential } = session;
  return {
    session_id: session.session_id,
    agent_id: session.agent_id,
    created_at_ms: session.created_at_ms,
    updated_at_ms: session.updated_at_ms,
    ...(session.ended_at_ms === undefined ? {} : { ended_at_ms: session.ended_at_ms }),
    ...(session.ended_reason === undefined ? {} : { ended_reason: session.ended_reason }),
    ...(session.active_run_id === undefined ? {} : { active_run_id: session.active_run_id }),
    queued_run_count: session.queued_count,
    ...(session.route_policy === undefined ? {} : { route_policy: session.route_policy }),
    ...(goal === undefined ? {} : { goal }),
    // Without personas nothing narrows further, so what is set is what is in force.
    ...(capability === undefined
      ? {}
      : { capability_scope: capability, effective_capability_scope: capability }),
    ...(credential === undefined
      ? {}
      : { credential_scope: credential, effective_credential_scope: credential }),
    ...(session.operator === undefined ? {} : { operator: session.operator }),
    ...(session.tool_overrides === undefined ? {} : { tool_overrides: session.tool_overrides }),
    ...(session.permission_mode === undefined ? {} : { permission_mode: session.permission_mode }),
    ...(shownSkills(session).length === 0 ? {} : { active_skills: shownSkills(session) }),
    ...(session.input_contract === undefined ? {} : { input_contract: session.input_contract }),
    ...(session.output_contract === undefined ? {} : { output_contract: session.output_contract }),
    ...(session.reply_targets?.length ? { reply_targets: session.reply_targets } : {}),
    usage: session.usage,
  };
}

function sessionSummary(session: SessionRecord, goal: SessionGoal | undefined): SessionViewSummary {
  return {
    ...common(session, goal),
    status: session.status,
    pending_approvals: session.pending_approvals,
    pending_questions: session.pending_questions,
  };
}

/** A page of sessions; their goals are read together. */
export async function sessionSummaries(
  store: Store,
  sessions: readonly Kept<"session">[],
): Promise<SessionViewSummary[]> {
  const goals = await readMany(
    store,
    "goal",
    sessions.map((session) => session.id),
  );
  const bySession = new Map(goals.map((goal) => [goal.id, goal.data.goal]));
  return sessions.map((session) => sessionSummary(session.data, bySession.get(session.id)));
}

export async function sessionView(store: Store, session: Kept<"session">): Promise<SessionView> {
  return {
    ...common(session.data, (await read(store, "goal", session.id))?.data.goal),
    snapshot: await agentSnapshot(store, session),
    outputs: await recentOutputs(store, session.id),
    ...(session.data.plan_seq === undefined
      ? {}
      : { plan_artifact: await planArtifact(store, session.id, session.data.plan_seq) }),
  };
}

/** What the agent planned, as it stands in the journal. */
async function planArtifact(store: Store, sessionId: string, seq: number): Promise<PlanArtifact> {
  const event = await eventAt(store, sessionId, seq);
  if (event.type !== "plan_mode_left") throw new Error(`event ${seq} of session '${sessionId}' is no plan`);
  const { run_id, plan, summary } = event.data;
  return { plan, ...(summary === undefined ? {} : { summary }), run_id, created_at_ms: event.atMs };
}

/** The agent behind a session and what it waits for (01, AgentSnapshot). */
export async function agentSnapshot(store: Store, session: Kept<"session">): Promise<AgentSnapshot> {
  const { data } = session;
  const active = data.active_run_id === undefined ? undefined : await read(store, "run", data.active_run_id);
  const slug = agentName(data.session_id);
  return {
    agent: {
      id: data.agent_id,
      parent: null,
      conversation: {
        session_id: data.session_id,
        ...(data.thread_id === undefined ? {} : { thread_id: data.thread_id }),
      },
      status: data.status,
      name: slug,
      path: slug,
      nickname: data.nickname,
      retention: "retain",
      spawned_at_ms: data.created_at_ms,
      ...(data.settled_at_ms === undefined || active !== undefined
        ? {}
        : { settled_at_ms: data.settled_at_ms }),
      subtasks: [],
    },
    pending_approvals: active === undefined ? [] : await approvalsOf(store, active.data),
    pending_questions:
      active === undefined
        ? []
        : (await pendingQuestions(store, active.data)).map((question) => question.data.request),
    last_assistant_message:
      data.last_assistant_seq === undefined
        ? null
        : await answerText(store, data.session_id, data.last_assistant_seq),
    journal_len: await store.streamHead(sessionStream(data.session_id)),
    checkpoint_len: data.checkpoint_count,
    last_error: data.last_error ?? null,
  };
}

/** Lower-case ASCII letters and digits, everything else one underscore (04, AgentRecord.name). */
function agentName(sessionId: string): string {
  const slug = sessionId
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return slug === "" ? "agent" : slug;
}

async function recentOutputs(store: Store, sessionId: string): Promise<DaemonOutputRecord[]> {
  const runs = (await store.list("run", {
    index: "session",
    prefix: [sessionId],
    limit: RECENT_RUNS,
    reverse: true,
  })) as unknown as Kept<"run">[];
  const seqs = runs.reverse().flatMap((run) => run.data.output_seqs);
  return outputsOf(store, sessionId, seqs);
}
