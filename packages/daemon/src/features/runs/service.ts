import {
  type ListPage,
  problem,
  type RunEventEntry,
  type RunView,
  type SubmitInputRequest,
} from "@kheish/contract";
import {
  type CommandDeps,
  cancelRun,
  type Kept,
  type RunRecord,
  recorded,
  requireRun,
  runOf,
  runSortKey,
  sessionStream,
  submit,
} from "../../engine/index.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import { usesAt } from "../budgets/index.ts";
import { pageOf, parsePage } from "../pagination.ts";
import { countRuns, matcherOf, type RunListFilter, type RunSource, readRuns, sourceOf } from "./listing.ts";
import { acceptedRunView, currentRunView, runEventEntry } from "./view.ts";

type Order = "asc" | "desc";
const READ_PAGE = 1_000;

/** Runs as clients see them. The engine decides; this lists, shows and passes on. */
export class RunService {
  readonly #deps: CommandDeps;

  constructor(deps: CommandDeps) {
    this.#deps = deps;
  }

  async submit(
    sessionId: string,
    request: SubmitInputRequest,
    caller: { principal: string; headerKey?: string },
  ): Promise<RunView> {
    const { runId, accepted } = await submit(this.#deps, sessionId, request, { ...caller, mode: "detached" });
    if (accepted === undefined) return this.get(runId);
    return this.#withBudgets(accepted.run.data, acceptedRunView(accepted));
  }

  async get(runId: string): Promise<RunView> {
    const run = await requireRun(this.#deps.store, runId);
    return this.#withBudgets(run.data, await currentRunView(this.#deps.store, run));
  }

  async #withBudgets({ session_id, run_id, route }: RunRecord, view: RunView): Promise<RunView> {
    const budgets = await usesAt(this.#deps, { session_id, run_id, route_id: route.route_id });
    return budgets === undefined ? view : { ...view, budgets };
  }

  async cancel(runId: string, caller: { principal: string }): Promise<RunView> {
    await cancelRun(this.#deps, runId, caller);
    return this.get(runId);
  }

  async list(filter: RunListFilter): Promise<RunView[] | ListPage<RunView>> {
    const page = parsePage(filter);
    const order = parseOrder(filter.order);
    const source = sourceOf(filter);
    const { limit } = page;
    if (page.envelope && limit !== undefined) return this.#page(source, limit, order, page.after);
    if (limit === undefined) return this.#views(await readRuns(this.#deps.store, source, {}));
    if (filter.priority_active === "true") return this.#views(await this.#priority(filter, limit));
    // Legacy: the newest `limit` runs, still ascending (01-R9).
    const newest = await readRuns(this.#deps.store, source, { limit, reverse: true });
    return this.#views(newest.reverse());
  }

  /** What happened to a run, from its two ranges of the session's journal: accepted, and started to finished. */
  async events(runId: string): Promise<RunEventEntry[]> {
    const { data: run } = await requireRun(this.#deps.store, runId);
    const entries: RunEventEntry[] = [];
    for (const event of await this.#journalOf(run)) {
      const entry =
        runOf(event) === run.run_id ? await runEventEntry(this.#deps.store, run, recorded(event)) : undefined;
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  async #journalOf(run: RunRecord): Promise<StoredEvent[]> {
    const { store } = this.#deps;
    const stream = sessionStream(run.session_id);
    const from = run.started_seq ?? run.finished_seq ?? run.accepted_seq + 2;
    const events = await store.readStream(stream, {
      afterSeq: run.accepted_seq - 1,
      toSeq: Math.min(run.accepted_seq + 1, from - 1),
    });
    if (run.started_seq === undefined && run.finished_seq === undefined) return events;
    const to = run.finished_seq ?? (await store.streamHead(stream));
    for (let after = from - 1; after < to; ) {
      const page = await store.readStream(stream, { afterSeq: after, toSeq: to, limit: READ_PAGE });
      events.push(...page);
      after = page.at(-1)?.seq ?? to;
    }
    return events;
  }

  async #page(
    source: RunSource,
    limit: number,
    order: Order,
    after: string | undefined,
  ): Promise<ListPage<RunView>> {
    const { store } = this.#deps;
    const runs = await readRuns(store, source, {
      limit: limit + 1,
      reverse: order === "desc",
      ...(after === undefined ? {} : { after }),
    });
    return pageOf(
      runs,
      {
        limit,
        totalCount: await countRuns(store, source),
        order: `submitted_at_ms_${order},run_id_${order}`,
        sortKey: (run) => runSortKey(run.data),
      },
      await this.#views(runs.slice(0, limit)),
    );
  }

  /** Non-terminal first, then the most recently updated (01-R10). */
  async #priority(filter: RunListFilter, limit: number): Promise<Kept<"run">[]> {
    const chosen: Kept<"run">[] = [];
    const matches = matcherOf(filter);
    let after: string | undefined;
    while (chosen.length < limit) {
      const page = await this.#deps.store.list("run", {
        index: "recent",
        reverse: true,
        limit: READ_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      const runs = page as unknown as Kept<"run">[];
      chosen.push(...runs.filter((run) => matches(run.data)));
      after = page.at(-1)?.cursor;
      if (page.length < READ_PAGE) break;
    }
    return chosen.slice(0, limit);
  }

  #views(runs: readonly Kept<"run">[]): Promise<RunView[]> {
    return Promise.all(runs.map((run) => currentRunView(this.#deps.store, run)));
  }
}

function parseOrder(order: string | undefined): Order {
  if (order === undefined || order === "asc" || order === "desc") return order ?? "asc";
  throw problem("pagination", "invalid_order", `order must be asc or desc, not '${order}'`);
}
