import { RecentMap } from "../../kernel/recent-map.ts";
import type { SessionState } from "../state.ts";

/** Sessions whose last state is kept, and the messages that each may hold: a bound on memory, not on what works. */
const MOST_SESSIONS = 128;
const MOST_ENTRIES = 2_000;

/**
 * The folded states of sessions that were driven last, so that a session's next run reads what is new and not all of
 * its history. Only a cache: a state is the fold of committed events up to its seq, whoever wrote them, and what came
 * after is caught up with from the journal.
 */
export class StateCache {
  readonly #states = new RecentMap<SessionState>(MOST_SESSIONS);

  /** The state becomes the caller's, who may change it; nobody else can take it. */
  take(sessionId: string): SessionState | undefined {
    const state = this.#states.get(sessionId);
    this.#states.delete(sessionId);
    return state;
  }

  keep(sessionId: string, state: SessionState): void {
    if (state.entries.length > MOST_ENTRIES) this.#states.delete(sessionId);
    else this.#states.set(sessionId, state);
  }
}
