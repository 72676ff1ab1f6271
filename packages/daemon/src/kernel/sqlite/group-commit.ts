import type { DatabaseSync } from "node:sqlite";
import { monotonicMs } from "../clock.ts";
import type { CommitOptions, CommitResult, Committed, News, Op } from "../store.ts";
import { type Flush, publishSync } from "../store-channels.ts";
import { newsOf } from "../waiting.ts";
import { Query } from "./query.ts";
import type { Sequences } from "./sequences.ts";
import type { Standing } from "./standing.ts";
import { type Primitives, prepareStep, type Step } from "./step.ts";

interface Pending {
  readonly steps: readonly Step[];
  /** Index of the step before which a savepoint is needed; undefined when no refusal can come after a write. */
  readonly savepointAt: number | undefined;
  readonly fence: CommitOptions["fence"];
  readonly news: readonly News[];
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds how long one transaction may keep the event loop. */
const MAX_COMMITS_PER_FLUSH = 512;

/**
 * Commits that arrive before the next `setImmediate` share one transaction and one fsync (K1).
 * One that may be refused after it has written stands in a savepoint of its own, so it is undone alone (K2). When the
 * shared transaction itself fails, its commits are tried one by one: the one that does not fit on the disk fails, its
 * neighbours land. What was written to a file that is not the store's any more is not acknowledged, and not tried again:
 * it may have landed.
 */
export class GroupCommit {
  readonly #primitives: Primitives;
  readonly #sequences: Sequences;
  readonly #standing: Standing | undefined;
  readonly #wake: (news: Iterable<News>) => void;
  readonly #onFlush: (flush: Flush) => void;
  readonly #rollBack: () => void;
  readonly #begin;
  readonly #end;
  readonly #savepoint;
  readonly #release;
  readonly #undo;
  #pending: Pending[] = [];
  #scheduled = false;

  constructor(
    db: DatabaseSync,
    primitives: Primitives,
    sequences: Sequences,
    standing: Standing | undefined,
    wake: (news: Iterable<News>) => void,
    onFlush: (flush: Flush) => void,
  ) {
    this.#primitives = primitives;
    this.#sequences = sequences;
    this.#standing = standing;
    this.#wake = wake;
    this.#onFlush = onFlush;
    this.#begin = new Query(db, "BEGIN IMMEDIATE");
    this.#end = new Query(db, "COMMIT");
    this.#savepoint = new Query(db, "SAVEPOINT one");
    this.#release = new Query(db, "RELEASE one");
    this.#undo = new Query(db, "ROLLBACK TO one");
    const rollback = new Query(db, "ROLLBACK");
    // When the disk is full, SQLite has rolled back on its own.
    this.#rollBack = () => db.isTransaction && rollback.run();
  }

  submit(ops: readonly Op[], options: CommitOptions): Promise<CommitResult> {
    const steps = ops.map((op, index) => prepareStep(op, index, this.#primitives));
    return new Promise((resolve, reject) => {
      const { fence } = options;
      const savepointAt = savepointNeededAt(ops);
      this.#pending.push({ steps, savepointAt, fence, news: newsOf(ops), resolve, reject });
      this.#schedule();
    });
  }

  /** Writes everything that was submitted or reserved so far. */
  drain(): void {
    while (this.#pending.length > 0) this.#flush();
    if (this.#sequences.hasUnsaved) this.#transact([]);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#pending.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    const batch = this.#pending.splice(0, MAX_COMMITS_PER_FLUSH);
    if (batch.length > 0) this.#land(batch);
  }

  #land(batch: readonly Pending[]): void {
    const begunMs = monotonicMs();
    try {
      const results = this.#transact(batch);
      const lost = this.#lost();
      if (lost !== undefined) {
        rejectAll(batch, lost);
        return;
      }
      this.#onFlush({ commits: batch.length, ms: monotonicMs() - begunMs });
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
      this.#wake(new Set(batch.flatMap(({ news }, index) => (results[index]?.ok ? news : []))));
    } catch (error) {
      if (batch.length === 1) rejectAll(batch, error);
      else for (const commit of batch) this.#land([commit]);
    }
  }

  /** Why what has been written is not kept; undefined when it is. */
  #lost(): unknown {
    try {
      this.#standing?.mustStand();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #transact(batch: readonly Pending[]): CommitResult[] {
    this.#standing?.mustStand();
    this.#begin.run();
    try {
      const results = batch.map((commit) => this.#perform(commit));
      this.#sequences.save();
      const begunMs = monotonicMs();
      this.#end.run();
      publishSync({ ms: monotonicMs() - begunMs });
      this.#sequences.saved();
      return results;
    } catch (error) {
      this.#forget();
      this.#rollBack();
      throw error;
    }
  }

  #perform({ steps, savepointAt, fence }: Pending): CommitResult {
    if (fence !== undefined && !this.#primitives.leases.isHeld(fence))
      return { ok: false, reason: "stale_fence", op: -1 };
    const into: Committed = { ok: true, appended: {}, revisions: {}, claimed: {}, leases: {} };
    for (const [op, step] of steps.entries()) {
      if (op === savepointAt) this.#savepoint.run();
      const reason = step(into);
      if (reason === undefined) continue;
      if (savepointAt !== undefined && op >= savepointAt) this.#undoOne();
      return { ok: false, reason, op };
    }
    if (savepointAt !== undefined) this.#release.run();
    return into;
  }

  #undoOne(): void {
    this.#undo.run();
    this.#release.run();
    this.#forget();
  }

  /** What the caches know may have been rolled back. */
  #forget(): void {
    this.#primitives.journal.forget();
    this.#primitives.leases.forget();
    this.#primitives.records.forget();
  }
}

function rejectAll(batch: readonly Pending[], error: unknown): void {
  for (const { reject } of batch) reject(error);
}

/** The first write that a refusal may still follow. An operation that is refused has itself not written. */
function savepointNeededAt(ops: readonly Op[]): number | undefined {
  const lastGuarded = ops.findLastIndex(mayBeRefused);
  const firstWrite = ops.findIndex(({ op }) => op !== "check" && op !== "check-claim");
  return firstWrite !== -1 && firstWrite < lastGuarded ? firstWrite : undefined;
}

function mayBeRefused(op: Op): boolean {
  switch (op.op) {
    case "append":
      return op.expectedSeq !== undefined;
    case "put":
    case "delete":
      return op.expectedRevision !== undefined;
    case "add":
      return op.atMost !== undefined;
    case "check":
    case "check-claim":
    case "complete":
    case "retry":
    case "bury":
    case "acquire-lease":
    case "release-lease":
      return true;
    case "enqueue":
    case "claim":
    case "claim-item":
    case "renew-owner":
    case "release-owner":
    case "release-lost":
    case "hasten":
      return false;
  }
}
