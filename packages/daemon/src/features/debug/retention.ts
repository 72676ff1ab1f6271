import { isTerminal, type Json, type PruneRequest, type PruneResponse, problem } from "@kheish/contract";
import type { z } from "zod";
import { type Changer, type Kept, readMany } from "../../engine/index.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../kernel/store.ts";
import { BUNDLE, type Bundle, deleteOps, type KeptBundle } from "./bundle.ts";
import type { DebugPolicy } from "./policy.ts";

const PAGE = 200;
const RETRY_MS = 60_000;

export interface RetentionDeps {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  log: Log;
}

interface Old {
  bundle: KeptBundle;
  /** When its run was over. */
  endedAtMs: number;
}

/** Evidence goes when it is old; runs, events and journals stay for ever (01-R103). */
export class DebugRetention {
  readonly #store: Store;
  readonly #audit: RetentionDeps["audit"];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #policy: DebugPolicy;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(deps: RetentionDeps, policy: DebugPolicy) {
    this.#store = deps.store;
    this.#audit = deps.audit;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#policy = policy;
  }

  /** Of terminal runs that ended long enough ago, oldest first, ties by run id. */
  async prune(request: z.output<typeof PruneRequest>, by: Changer): Promise<z.output<typeof PruneResponse>> {
    const { older_than_ms, limit, dry_run, session_id } = request;
    if (older_than_ms <= 0 || (limit !== undefined && limit <= 0)) {
      throw problem("runs", "run_retention_invalid_request", "older_than_ms and limit must be positive");
    }
    const now = this.#clock.now();
    const cutoff = now - older_than_ms;
    const { old } = await this.#look(cutoff, session_id);
    const candidates = old.slice(0, limit);
    if (!dry_run) await this.#say(by, { cutoff_ms: cutoff, run_count: candidates.length });
    const pruned = dry_run ? [] : await this.#delete(candidates.map(({ bundle }) => bundle));
    return {
      dry_run,
      now_ms: now,
      cutoff_ms: cutoff,
      limit: limit ?? null,
      matched_run_count: old.length,
      candidate_run_ids: candidates.map(({ bundle }) => bundle.data.run_id),
      candidate_debug_bytes: bytesOf(candidates.map(({ bundle }) => bundle)),
      pruned_debug_run_ids: pruned.map(({ data }) => data.run_id),
      pruned_debug_bytes: bytesOf(pruned),
    };
  }

  /** Who removed evidence is in the signed audit before it is gone. */
  async #say(by: Changer, pruned: { cutoff_ms: number; run_count: number }): Promise<void> {
    await this.#audit.commitAdmin([], { ...by, target: "debug_evidence", change: { pruned } });
  }

  start(): void {
    void this.#collect();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** What has outlived its time, and what has no run; of a run that is not over nothing. */
  async #collect(): Promise<void> {
    let againMs = this.#policy.gcIntervalMs;
    try {
      const { ttlMs } = this.#policy;
      const { old, orphans } = await this.#look(this.#clock.now() - ttlMs);
      await this.#delete([...(ttlMs === 0 ? [] : old.map(({ bundle }) => bundle)), ...orphans]);
    } catch (error) {
      this.#log.warn({ err: String(error) }, "old debug evidence could not be deleted");
      againMs = RETRY_MS;
    }
    if (!this.#stopped) this.#timer = this.#clock.schedule(againMs, () => void this.#collect());
  }

  async #look(cutoffMs: number, sessionId?: string): Promise<{ old: Old[]; orphans: KeptBundle[] }> {
    const old: Old[] = [];
    const orphans: KeptBundle[] = [];
    for await (const bundles of this.#pages(sessionId)) {
      const ids = bundles.map(({ data }) => data.run_id);
      const runs = new Map((await readMany(this.#store, "run", ids)).map((run) => [run.id, run]));
      for (const bundle of bundles) {
        const run = runs.get(bundle.data.run_id);
        if (run === undefined) orphans.push(bundle);
        else if (isTerminal(run.data.status) && endOf(run) <= cutoffMs)
          old.push({ bundle, endedAtMs: endOf(run) });
      }
    }
    old.sort((a, b) => a.endedAtMs - b.endedAtMs || (a.bundle.data.run_id < b.bundle.data.run_id ? -1 : 1));
    return { old, orphans };
  }

  async *#pages(sessionId: string | undefined): AsyncGenerator<KeptBundle[]> {
    const scope = sessionId === undefined ? { index: "id" } : { index: "session", prefix: [sessionId] };
    let after: string | undefined;
    for (;;) {
      const page = await this.#store.list<Json>(BUNDLE, {
        ...scope,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      yield page.map(({ revision, data }) => ({ revision, data: data as unknown as Bundle }));
      after = page.at(-1)?.cursor;
      if (page.length < PAGE) return;
    }
  }

  /** Those that were deleted: another daemon may have been first. */
  async #delete(bundles: readonly KeptBundle[]): Promise<KeptBundle[]> {
    const deleted: KeptBundle[] = [];
    for (const bundle of bundles) if ((await this.#store.commit(deleteOps(bundle))).ok) deleted.push(bundle);
    return deleted;
  }
}

function endOf({ data }: Kept<"run">): number {
  return data.finished_at_ms ?? data.updated_at_ms;
}

function bytesOf(bundles: readonly KeptBundle[]): number {
  return bundles.reduce((sum, { data }) => sum + data.bytes, 0);
}
