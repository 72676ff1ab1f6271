import type { CommitResult, Committed, Fence, News } from "../store.ts";
import { newsOf } from "../waiting.ts";
import type { EncodedOp } from "./encode.ts";
import { type AppendedEvent, JournalDraft, type Stream } from "./journal-draft.ts";
import type { Known } from "./known.ts";
import { type LeaseRow, LeasesDraft } from "./leases-draft.ts";
import { perform, want } from "./operations.ts";
import { QueueDraft } from "./queue-draft.ts";
import { RecordsDraft } from "./records-draft.ts";
import type { Session } from "./statement.ts";
import { verifyRows } from "./verify.ts";

/** What became of a flush: an answer to each commit, and what those that landed are news of. */
export interface Flushed {
  readonly results: readonly CommitResult[];
  readonly news: ReadonlySet<News>;
  /** What was appended, position by position behind `after`. */
  readonly appended: { readonly after: number; readonly events: readonly AppendedEvent[] };
}

/** What the writer remembers from flush to flush. */
export type KnownToFlush = Known<LeaseRow, Stream>;

export interface EncodedCommit {
  readonly ops: readonly EncodedOp[];
  readonly fence: Fence | undefined;
}

/**
 * The commits of one transaction. What their operations name is locked and loaded, or taken to be as it was last seen and
 * verified when it is written; the operations are decided on these drafts, in the order in which they came; what became
 * of the drafts is written.
 * Every flush locks table by table and row by row in the same order, so that two of them hardly ever deadlock.
 */
export class Flush {
  readonly #commits: readonly EncodedCommit[];
  readonly #drafts = {
    leases: new LeasesDraft(),
    records: new RecordsDraft(),
    queue: new QueueDraft(),
    journal: new JournalDraft(),
  };

  constructor(commits: readonly EncodedCommit[]) {
    this.#commits = commits;
    for (const { ops, fence } of commits) {
      if (fence !== undefined) this.#drafts.leases.want(fence.name);
      for (const op of ops) want(op, this.#drafts);
    }
  }

  /** Sends all its statements before it returns, as `write` does. */
  async load(session: Session): Promise<void> {
    await Promise.all(Object.values(this.#drafts).map((draft) => draft.load(session)));
  }

  /** Instead of `load`: the rows are taken to be as they are known. False where something has to be looked up. */
  assume({ leases, streams }: KnownToFlush): boolean {
    const { records, queue, leases: own, journal } = this.#drafts;
    if (records.isWanting || queue.isWanting) return false;
    return own.assume(leases) && journal.assume(streams);
  }

  /** Fails as `stale` unless all that was assumed is so. Locks what `load` would, in its order. */
  verify(session: Session): Promise<void> {
    const { leases, journal } = this.#drafts;
    return verifyRows(session, leases.loaded(), journal.loaded());
  }

  /** Once it has landed. */
  remember({ leases, streams }: KnownToFlush): void {
    this.#drafts.leases.remember(leases);
    this.#drafts.journal.remember(streams);
  }

  forget({ leases, streams }: KnownToFlush): void {
    this.#drafts.leases.forget(leases);
    this.#drafts.journal.forget(streams);
  }

  /** The journal comes last: it takes the lock that all daemons share. */
  async write(session: Session): Promise<Flushed> {
    const results = this.#commits.map((commit) => this.#decide(commit));
    const { leases, records, queue, journal } = this.#drafts;
    const [, , , position] = await Promise.all([
      leases.write(session),
      records.write(session),
      queue.write(session),
      journal.write(session),
    ]);
    for (const result of results)
      if (result.ok) for (const appended of Object.values(result.appended)) appended.lastPosition += position;
    const landed = this.#commits.filter((_, index) => results[index]?.ok);
    const appended = { after: position, events: journal.appended };
    return { results, news: new Set(landed.flatMap(({ ops }) => newsOf(ops))), appended };
  }

  /** A commit is decided as a whole: its changes are accepted together or undone together (K2). */
  #decide(commit: EncodedCommit): CommitResult {
    const result = this.#perform(commit);
    for (const draft of Object.values(this.#drafts)) {
      if (result.ok) draft.accept();
      else draft.revert();
    }
    return result;
  }

  #perform({ ops, fence }: EncodedCommit): CommitResult {
    if (fence !== undefined && !this.#drafts.leases.isHeld(fence))
      return { ok: false, reason: "stale_fence", op: -1 };
    const into: Committed = { ok: true, appended: {}, revisions: {}, claimed: {}, leases: {} };
    for (const [index, op] of ops.entries()) {
      const reason = perform(op, index, this.#drafts, into);
      if (reason !== undefined) return { ok: false, reason, op: index };
    }
    return into;
  }
}
