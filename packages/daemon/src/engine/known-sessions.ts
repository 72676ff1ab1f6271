import { RecentMap } from "../kernel/recent-map.ts";
import type { Store } from "../kernel/store.ts";
import { sessionStream } from "./events.ts";
import type { Kept } from "./records.ts";
import type { SessionChange } from "./session-change.ts";

/** A few kilobytes each. */
const MOST_SESSIONS = 1_024;

/** A session as the last commit of this process left it. */
export interface KnownSession {
  /** Where its journal ends. */
  seq: number;
  session: Kept<"session">;
  /** The active run, when the commit wrote it. */
  run?: Kept<"run"> | undefined;
  /** Whether the goal was looked at, and what it was. */
  goal?: { kept: Kept<"goal"> | undefined } | undefined;
}

/**
 * The sessions that this process wrote to last, so that the next write to a busy one reads nothing. Only hints: another
 * daemon may have written since. Whoever builds on one guards what it writes with the revision or the journal's end that
 * it was told, forgets it when that is refused, and never answers from it.
 */
export class KnownSessions {
  readonly #sessions = new RecentMap<KnownSession>(MOST_SESSIONS);

  get(sessionId: string): KnownSession | undefined {
    return this.#sessions.get(sessionId);
  }

  /** Where the session's journal ends, from memory or the store. */
  async seqOf(store: Store, sessionId: string): Promise<number> {
    return this.get(sessionId)?.seq ?? store.streamHead(sessionStream(sessionId));
  }

  /** After a commit of this process has landed. Without the session's record, known or written, there is no hint. */
  landed(sessionId: string, change: SessionChange): void {
    const before = this.#sessions.get(sessionId);
    const session = change.landed("session", sessionId) ?? change.sessionRead ?? before?.session;
    if (session === undefined) return;
    const runId = session.data.active_run_id;
    const run = runId === undefined ? undefined : change.landed("run", runId);
    this.#sessions.set(sessionId, {
      seq: change.nextSeq - 1,
      session,
      run: run ?? (before?.run?.id === runId ? before?.run : undefined),
      goal: change.knowsGoal ? { kept: change.goalLanded } : before?.goal,
    });
  }

  /** What was read of a session that this process is about to write to. */
  learn(sessionId: string, known: KnownSession): void {
    this.#sessions.set(sessionId, known);
  }

  /** Before a commit whose outcome may stay unknown, and after one that was refused. */
  forget(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }
}
