import { isTerminal, isWaiting, problem } from "@kheish/contract";
import { type Kept, requireRun } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";

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
    while (!signal.aborted) {
      const position = this.#tail.position;
      const run = await requireRun(this.#store, runId);
      if (isTerminal(run.data.status) || isWaiting(run.data.status)) return run;
      await this.#tail.after(position, signal);
      const stopped = this.#tail.position === position && !signal.aborted;
      if (stopped) throw draining(runId);
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
