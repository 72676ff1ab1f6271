import { isTerminal, isWaiting, problem } from "@kheish/contract";
import {
  type Kept,
  recorded,
  requireRun,
  runOf,
  type SessionEventType,
  sessionStream,
} from "../../engine/index.ts";
import type { Store, StoredEvent } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";

/** What brings a run to rest. */
const RESTING: ReadonlySet<SessionEventType> = new Set([
  "completed",
  "failed",
  "interrupted",
  "cancelled",
  "waiting_for_approval",
  "waiting_for_user_question",
]);

/** Waits for a run to settle or wait. The journal wakes it, the record decides. */
export class WaitForRun {
  readonly #store: Store;
  readonly #tail: JournalTail;

  constructor(store: Store, tail: JournalTail) {
    this.#store = store;
    this.#tail = tail;
  }

  /** The run at rest; undefined when the caller went away first. An abandoned wait does not stop the run (01-R25). */
  async until(runId: string, signal: AbortSignal): Promise<Kept<"run"> | undefined> {
    const rests = (stored: StoredEvent) => {
      const event = recorded(stored);
      return RESTING.has(event.type) && runOf(event) === runId;
    };
    while (!signal.aborted) {
      const { position } = this.#tail;
      const run = await requireRun(this.#store, runId);
      if (isTerminal(run.data.status) || isWaiting(run.data.status)) return run;
      await this.#tail.afterIn(sessionStream(run.data.session_id), position, signal, rests);
      if (!this.#tail.isFollowing && !signal.aborted) throw draining(runId);
    }
    return undefined;
  }
}

/** The tail woke its readers without news: it follows no longer. */
function draining(runId: string) {
  return problem(
    "readiness",
    "daemon_draining",
    "the daemon is going down; the run goes on when it is back",
    {
      run_id: runId,
    },
  );
}
