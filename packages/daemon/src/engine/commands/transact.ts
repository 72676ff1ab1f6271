import { isTerminal, problem } from "@kheish/contract";
import type { Blobs } from "../../kernel/blobs.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { KeyedMutex } from "../../kernel/keyed-mutex.ts";
import type { Random } from "../../kernel/random.ts";
import type { Store } from "../../kernel/store.ts";
import { sessionStream } from "../events.ts";
import type { Heads } from "../heads.ts";
import type { QuestionPort, RouteResolver, ToolPort } from "../ports.ts";
import { type Kept, type RunRecord, read } from "../records.ts";
import { SessionChange } from "../session-change.ts";

/** What the commands work with. */
export interface CommandDeps {
  store: Store;
  clock: Clock;
  random: Random;
  blobs: Blobs;
  mutex: KeyedMutex;
  heads: Heads;
  routes: RouteResolver;
  tools: ToolPort;
  questions: QuestionPort;
  /** Approvals expire after this long; 0 = never. Sessions may say otherwise. */
  approvalTimeoutMs: number;
  /** Tells the local executor that a run it may be working on is over. */
  abortRun: (runId: string, reason: "cancelled" | "interrupted") => void;
}

/** Losing a race this often in a row means that something else is wrong. */
const MAX_ATTEMPTS = 50;

/**
 * Reads a session, lets `build` decide, commits what it decided; again from the start when somebody else was faster.
 * `build` has no effect of its own, so running it twice is harmless.
 */
export async function transact<T>(
  deps: Pick<CommandDeps, "store" | "clock" | "mutex" | "heads">,
  sessionId: string,
  build: (change: SessionChange, session: Kept<"session">) => Promise<T> | T,
): Promise<T> {
  return deps.mutex.run(sessionId, async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const session = await requireSession(deps.store, sessionId);
      const head = deps.heads.get(sessionId) ?? (await deps.store.streamHead(sessionStream(sessionId)));
      const change = new SessionChange(sessionId, head, deps.clock.now(), { session });
      const value = await build(change, session);
      const ops = change.ops();
      if (ops.length === 0) return value;
      // Until the answer is here nobody knows where the journal ends.
      deps.heads.forget(sessionId);
      const result = await deps.store.commit(ops);
      if (result.ok) {
        deps.heads.set(sessionId, change.nextSeq - 1);
        return value;
      }
    }
    throw problem("sessions", "conflict", `session '${sessionId}' is changing too fast; try again`);
  });
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

/** The run at the head of a session's queue. */
export async function queueHead(store: Store, sessionId: string): Promise<Kept<"run"> | undefined> {
  const [head] = await store.list("run", { index: "queue", prefix: [sessionId], limit: 1 });
  return head === undefined ? undefined : (head as unknown as Kept<"run">);
}
