import { isProblem, isTerminal, problem } from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Random } from "../../kernel/random.ts";
import type { ClaimItemOp, CommitResult, Op, QueueItem, Store } from "../../kernel/store.ts";
import type { AuditPort } from "../audit-port.ts";
import { AuditRefused } from "../audit-refused.ts";
import type { BudgetBook } from "../budgets/book.ts";
import type { HookPort } from "../hooks/port.ts";
import type { KnownSession, KnownSessions } from "../known-sessions.ts";
import type { RuleBook } from "../permissions/rule-book.ts";
import type { AuthorityPort, PricePort, QuestionPort, RouteResolver, ToolPort } from "../ports.ts";
import { check, type Kept, type RunRecord, read, type SessionRecord } from "../records.ts";
import { SessionChange } from "../session-change.ts";

/** What the commands work with. */
export interface CommandDeps {
  store: Store;
  clock: Clock;
  random: Random;
  blobs: Blobs;
  mutex: KeyedMutex;
  known: KnownSessions;
  starter: Starter;
  routes: RouteResolver;
  budgets: BudgetBook;
  prices: PricePort;
  tools: ToolPort;
  questions: QuestionPort;
  audit: AuditPort;
  authority: AuthorityPort;
  /** The rules of user and project scope. */
  rules: RuleBook;
  workspaceRoot: string;
  hooks: Pick<HookPort, "wants" | "announce">;
  /** Approvals expire after this long; 0 = never. Sessions may say otherwise. */
  approvalTimeoutMs: number;
  /** Tells the local executor that a run it may be working on is over. */
  abortRun: (runId: string, reason: "cancelled" | "interrupted") => void;
}

/** Begins work in the commit that makes it, when this daemon has a hand free: nobody has to find it first. */
export interface Starter {
  /** The claim that such a commit may carry, for a session; undefined when there is no hand free. */
  offer(sessionId: string): ClaimItemOp | undefined;
  /** After that commit: what it claimed. Nothing when it was refused, undefined when its outcome is unknown. */
  take(sessionId: string, claimed: readonly QueueItem[] | undefined): void;
}

/** Losing a race this often in a row means that something else is wrong. */
const MAX_ATTEMPTS = 50;

type TransactDeps = Pick<CommandDeps, "store" | "clock" | "mutex" | "known" | "audit"> &
  Partial<Pick<CommandDeps, "starter">>;

/**
 * Reads a session, lets `build` decide, commits what it decided; again from the start when somebody else was faster.
 * `build` has no effect of its own, so running it twice is harmless.
 */
export async function transact<T>(
  deps: TransactDeps,
  sessionId: string,
  build: (change: SessionChange, session: Kept<"session">) => Promise<T> | T,
): Promise<T> {
  return deps.mutex.run(sessionId, async () => {
    const known = deps.known.get(sessionId);
    if (known !== undefined) {
      const built = await fromMemory(deps, sessionId, known, build);
      if (built !== undefined) return built.value;
    }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const session = await requireSession(deps.store, sessionId);
      const seq = await deps.known.seqOf(deps.store, sessionId);
      const change = new SessionChange(sessionId, seq, deps.clock.now(), { session });
      const value = await build(change, session);
      const ops = change.ops();
      if (ops.length === 0 || (await land(deps, sessionId, change, ops))) return value;
    }
    throw problem("sessions", "conflict", `session '${sessionId}' is changing too fast; try again`);
  });
}

/**
 * The first attempt, on what this process knows of the session. It counts only when it lands, under a guard that
 * proves what it was built on: a refusal, or that nothing is to be done, is never answered from memory.
 */
async function fromMemory<T>(
  deps: TransactDeps,
  sessionId: string,
  { seq, session, goal }: KnownSession,
  build: (change: SessionChange, session: Kept<"session">) => Promise<T> | T,
): Promise<{ value: T } | undefined> {
  const change = new SessionChange(sessionId, seq, deps.clock.now(), { session });
  if (goal !== undefined) change.attachGoal(goal.kept);
  let value: T;
  try {
    value = await build(change, session);
  } catch (error) {
    if (!isProblem(error)) throw error;
    deps.known.forget(sessionId);
    return undefined;
  }
  const ops = change.ops();
  const guards = change.landed("session", sessionId) === undefined ? [check(session, "session")] : [];
  if (ops.length > 0 && (await land(deps, sessionId, change, [...guards, ...ops]))) return { value };
  deps.known.forget(sessionId);
  return undefined;
}

/** Commits a change; false when it was refused. Work that it makes is begun with it where possible. */
async function land(
  { store, known, starter, audit }: TransactDeps,
  sessionId: string,
  change: SessionChange,
  own: readonly Op[],
): Promise<boolean> {
  const sealed = await audit.seal(change.actions, change.now).catch(asProblem);
  const ops = [...own, ...sealed.ops];
  // Until the answer is here nobody knows what the session is like.
  known.forget(sessionId);
  const claim = change.wakes ? starter?.offer(sessionId) : undefined;
  let result: CommitResult | undefined;
  try {
    result = await store.commit(claim === undefined ? ops : [...ops, claim]);
    if (result.ok) {
      known.landed(sessionId, change);
      sealed.landed();
    } else sealed.lost();
    return result.ok;
  } catch (error) {
    sealed.lost(error);
    throw error;
  } finally {
    if (claim !== undefined) starter?.take(sessionId, claimedBy(result, ops.length));
  }
}

function asProblem(error: unknown): never {
  if (error instanceof AuditRefused) throw problem("audit", "audit_unavailable", error.message);
  throw error;
}

function claimedBy(result: CommitResult | undefined, claim: number): readonly QueueItem[] | undefined {
  return result?.ok === false ? [] : result?.claimed[claim];
}

export async function requireSession(store: Store, sessionId: string): Promise<Kept<"session">> {
  const session = await read(store, "session", sessionId);
  if (session === undefined) throw problem("sessions", "session_not_found", `no session '${sessionId}'`);
  return session;
}

export async function requireRun(store: Store, runId: string): Promise<Kept<"run">> {
  const run = await read(store, "run", runId);
  if (run === undefined) throw problem("runs", "run_not_found", `no run '${runId}'`);
  return run;
}

/** Only the run that holds the session's slot can be answered (01-R41, 01-A1). */
export function requireActive(session: Kept<"session">, run: RunRecord): void {
  if (session.data.active_run_id === run.run_id) return;
  throw problem(
    "runs",
    "run_state_conflict",
    `run '${run.run_id}' is ${run.status}${isTerminal(run.status) ? "" : " and not the session's active run"}`,
  );
}

/** The run at the head of a session's queue. The session's record says whether there is one. */
export async function queueHead(
  store: Store,
  { session_id, queued_count }: SessionRecord,
): Promise<Kept<"run"> | undefined> {
  if (queued_count === 0) return undefined;
  const [head] = await store.list("run", { index: "queue", prefix: [session_id], limit: 1 });
  return head === undefined ? undefined : (head as unknown as Kept<"run">);
}
