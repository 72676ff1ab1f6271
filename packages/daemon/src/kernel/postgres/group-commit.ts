import { monotonicMs } from "../clock.ts";
import type { CommitOptions, CommitResult, Op } from "../store.ts";
import { publishFlush } from "../store-channels.ts";
import { Collector } from "./collector.ts";
import { encode, sizeOf } from "./encode.ts";
import { isFailure } from "./errors.ts";
import type { EncodedCommit, Flushed } from "./flush.ts";
import type { Writer } from "./writer.ts";

interface Pending extends EncodedCommit {
  readonly size: number;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds how long the locks of one transaction are held, and how large its statements become. */
const MAX_COMMITS_PER_FLUSH = 512;
const MAX_FLUSH_SIZE = 16 * 2 ** 20;

/**
 * Commits that arrive while others are written share the next transaction, and its way to the disk (K1).
 * When that fails by one of its statements, its commits are tried one by one: its neighbours land (K2).
 */
export class GroupCommit {
  readonly #writer: Writer;
  readonly #onLanded: (flushed: Flushed) => void;
  readonly #commits = new Collector<Pending>((batch) => this.#flush(batch));

  /** `onLanded` is called when the commits of a flush have been answered. */
  constructor(writer: Writer, onLanded: (flushed: Flushed) => void) {
    this.#writer = writer;
    this.#onLanded = onLanded;
  }

  submit(ops: readonly Op[], { fence }: CommitOptions): Promise<CommitResult> {
    const encoded = ops.map(encode);
    const size = encoded.reduce((sum, op) => sum + sizeOf(op), 0);
    return new Promise((resolve, reject) =>
      this.#commits.add({ ops: encoded, fence, size, resolve, reject }),
    );
  }

  drained(): Promise<void> {
    return this.#commits.drained();
  }

  async #flush(batch: Pending[]): Promise<void> {
    for (const commits of parts(batch)) await this.#land(commits);
  }

  async #land(commits: readonly Pending[]): Promise<void> {
    const begunMs = monotonicMs();
    try {
      const flushed = await this.#writer.write(commits);
      publishFlush({ commits: commits.length, ms: monotonicMs() - begunMs });
      for (const [index, result] of flushed.results.entries()) commits[index]?.resolve(result);
      this.#onLanded(flushed);
    } catch (error) {
      if (commits.length > 1 && isFailure(error, "statement"))
        for (const commit of commits) await this.#land([commit]);
      else for (const { reject } of commits) reject(error);
    }
  }
}

/** The batch in its order, cut where a transaction would become too large. */
function parts(batch: readonly Pending[]): Pending[][] {
  const parts: Pending[][] = [];
  let room = 0;
  for (const commit of batch) {
    const part = parts.at(-1);
    room -= commit.size;
    if (part !== undefined && part.length < MAX_COMMITS_PER_FLUSH && room >= 0) part.push(commit);
    else {
      parts.push([commit]);
      room = MAX_FLUSH_SIZE - commit.size;
    }
  }
  return parts;
}
