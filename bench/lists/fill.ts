import {
  event,
  put,
  type RunRecord,
  type SessionRecord,
  sessionStream,
  ZERO_USAGE,
} from "../../packages/daemon/src/engine/index.ts";
import { openSqliteStore } from "../../packages/daemon/src/kernel/sqlite/index.ts";
import type { Op, Store } from "../../packages/daemon/src/kernel/store.ts";
import type { Daemon } from "../support/daemon.ts";

const RUNS_PER_SESSION = 100;
/** Sessions whose runs take turns; a store of an old daemon has its sessions' runs side by side in time, too. */
const SESSIONS_AT_A_TIME = 2_000;
const RUNS_PER_COMMIT = 2_000;
const FIRST_AT_MS = Date.UTC(2026, 0, 1);
const MS_BETWEEN = 1_000;

export const sessionName = (number: number) => `list-${String(number).padStart(6, "0")}`;
export const submittedAt = (number: number) => FIRST_AT_MS + number * MS_BETWEEN;

/** Through the product's own store and index keys, in large commits: as the daemon would have left it. */
export async function fill(daemon: Daemon, runs: number): Promise<{ sessions: number }> {
  const store = await openSqliteStore({ path: daemon.database });
  const sessions = Math.ceil(runs / RUNS_PER_SESSION);
  try {
    await fillSessions(store, sessions);
    await fillRuns(store, runs, sessions);
  } finally {
    await store.close();
  }
  return { sessions };
}

async function fillSessions(store: Store, sessions: number): Promise<void> {
  const ops = Array.from({ length: sessions }, (_, number) =>
    put("session", sessionName(number), sessionRecord(number), 0),
  );
  await inCommits(store, ops, RUNS_PER_COMMIT);
}

async function fillRuns(store: Store, runs: number, sessions: number): Promise<void> {
  const heads = new Map<string, number>();
  for (let from = 0; from < runs; from += RUNS_PER_COMMIT) {
    const ops: Op[] = [];
    for (let number = from; number < Math.min(runs, from + RUNS_PER_COMMIT); number++) {
      const session = sessionName(sessionOf(number, sessions));
      const head = heads.get(session) ?? 0;
      heads.set(session, head + 2);
      ops.push(...runOps(number, session, head));
    }
    await inCommits(store, ops, ops.length);
  }
}

function sessionOf(number: number, sessions: number): number {
  const group = Math.min(SESSIONS_AT_A_TIME, sessions);
  return (Math.floor(number / (group * RUNS_PER_SESSION)) * group + (number % group)) % sessions;
}

async function inCommits(store: Store, ops: readonly Op[], size: number): Promise<void> {
  for (let from = 0; from < ops.length; from += size) {
    const result = await store.commit(ops.slice(from, from + size));
    if (!result.ok) throw new Error(`the store refused a filling commit: ${result.reason}`);
  }
}

/** The record, and of the journal what a list reads: the answer and the output that points at it. */
function runOps(number: number, sessionId: string, head: number): Op[] {
  const run = runRecord(number, sessionId, head + 2);
  const answer = {
    role: "assistant" as const,
    id: `msg-${run.run_id}-0`,
    parts: [{ type: "text" as const, text: `Answer ${number}: ${"lorem ipsum ".repeat(8)}` }],
    route_id: "simulator",
    model: "script",
    finish_reason: "stop" as const,
  };
  const output = {
    run_id: run.run_id,
    source_kind: "assistant_text",
    message_seq: head + 1,
    address: null,
  };
  const atMs = run.updated_at_ms;
  const events = [
    event("message_appended", { run_id: run.run_id, turn: 0, message: answer }, atMs),
    event("output", output, atMs),
  ];
  return [
    put("run", run.run_id, run, 0),
    { op: "append", stream: sessionStream(sessionId), events, expectedSeq: head },
  ];
}

function runRecord(number: number, sessionId: string, outputSeq: number): RunRecord {
  const at = submittedAt(number);
  return {
    run_id: `run-${number + 1}`,
    session_id: sessionId,
    agent_id: `agent-${sessionId}`,
    kind: "input",
    status: statusOf(number),
    submitted_at_ms: at,
    updated_at_ms: at + 500,
    started_at_ms: at + 2,
    finished_at_ms: at + 500,
    request: {
      source_plugin: "daemon",
      source_kind: "api",
      actor_id: "local",
      text_preview: `Question ${number}`,
      provider: "simulator",
      model: "script",
    },
    route: { route_id: "simulator", driver: "simulator", model: "script" },
    generation: {},
    reply_targets: [],
    pending_approval_ids: [],
    pending_question_ids: [],
    accepted_seq: outputSeq - 1,
    started_seq: outputSeq - 1,
    finished_seq: outputSeq,
    output_seqs: [outputSeq],
    usage: ZERO_USAGE,
    principal: "local",
  };
}

/** Mostly well, as it should be. */
function statusOf(number: number): RunRecord["status"] {
  if (number % 50 === 7) return "failed";
  return number % 100 === 11 ? "cancelled" : "completed";
}

function sessionRecord(number: number): SessionRecord {
  return {
    session_id: sessionName(number),
    agent_id: `agent-${number}`,
    nickname: `Agent ${number}`,
    created_at_ms: submittedAt(number),
    updated_at_ms: submittedAt(number),
    status: "idle",
    queued_count: 0,
    pending_approvals: 0,
    pending_questions: 0,
    checkpoint_count: 0,
    usage: ZERO_USAGE,
  };
}
