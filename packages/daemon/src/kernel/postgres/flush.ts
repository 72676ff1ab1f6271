import type { CommitResult, Committed, Fence, News } from "../store.ts";
import { newsOf } from "../waiting.ts";
import type { EncodedOp } from "./encode.ts";
import { JournalDraft } from "./journal-draft.ts";
import { LeasesDraft } from "./leases-draft.ts";
import { perform, want } from "./operations.ts";
import { QueueDraft } from "./queue-draft.ts";
import { RecordsDraft } from "./records-draft.ts";
import type { Session } from "./statement.ts";

/** What became of a flush: an answer to each commit, and what those that landed are news of. */
export interface Flushed {
  readonly results: readonly CommitResult[];
  readonly news: ReadonlySet<News>;
}

export interface EncodedCommit {
  readonly ops: readonly EncodedOp[];
  readonly fence: Fence | undefined;
}

/**
 * The commits of one transaction. What their operations name is locked and loaded; the operations are decided on
 * these drafts, in the order in which they came; what became of the drafts is written.
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
    return { results, news: new Set(landed.flatMap(({ ops }) => newsOf(ops))) };
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
