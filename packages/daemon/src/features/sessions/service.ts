import {
  BUDGET_EXHAUSTED,
  type CreateSessionRequest,
  type InterruptResponse,
  type ListPage,
  type ListQuery,
  type OperatorConfig,
  type PermissionAudit,
  Problem,
  problem,
  type ReplyHandle,
  type SessionEventLog,
  type SessionView,
  type SessionViewSummary,
  type SubmitInputRequest,
  type ToolOverrides,
} from "@kheish/contract";
import {
  bindPersona,
  type Changer,
  type CommandDeps,
  clearPersona,
  createSession,
  endSession,
  interruptSession,
  type Kept,
  requireSession,
  type SessionSetting,
  setSessionDefault,
  submit,
} from "../../engine/index.ts";
import { encodeKey, encodeCursor as indexCursor } from "../../kernel/keys.ts";
import { usesAt } from "../budgets/index.ts";
import { pageOf, parsePage } from "../pagination.ts";
import type { WaitForRun } from "../runs/index.ts";
import { permissionAudits, sessionEventLog } from "./event-log.ts";
import { agentSnapshot, sessionSummaries, sessionView } from "./view.ts";

const READ_PAGE = 1_000;

/** Sessions as clients see them. */
export class SessionService {
  readonly #deps: CommandDeps;
  readonly #waits: WaitForRun;

  constructor(deps: CommandDeps, waits: WaitForRun) {
    this.#deps = deps;
    this.#waits = waits;
  }

  async create(
    request: CreateSessionRequest,
    headerKey?: string,
  ): Promise<SessionView & { created: boolean }> {
    const { session, created } = await createSession(this.#deps, request, headerKey);
    return { ...(await sessionView(this.#deps.store, session)), created };
  }

  async get(sessionId: string): Promise<SessionView> {
    const view = await sessionView(this.#deps.store, await requireSession(this.#deps.store, sessionId));
    const budgets = await usesAt(this.#deps, { session_id: sessionId });
    return budgets === undefined ? view : { ...view, budgets };
  }

  async list(
    query: ListQuery & { persona_id?: string | undefined },
  ): Promise<SessionViewSummary[] | ListPage<SessionViewSummary>> {
    const { store } = this.#deps;
    const page = parsePage(query);
    // No session is bound to a persona in this version, so the filter matches none (01-R7).
    if (query.persona_id !== undefined) return page.envelope ? emptyPage(page.limit ?? 0) : [];
    if (!page.envelope || page.limit === undefined) {
      return sessionSummaries(store, await this.#first(page.limit));
    }
    const listed = (await store.list("session", {
      index: "id",
      limit: page.limit + 1,
      ...(page.after === undefined ? {} : { after: indexCursor(encodeKey([page.after]), page.after) }),
    })) as unknown as Kept<"session">[];
    return pageOf(
      listed,
      {
        limit: page.limit,
        totalCount: await store.count("session", { index: "id" }),
        order: "session_id_asc",
        sortKey: (session) => session.id,
      },
      await sessionSummaries(store, listed),
    );
  }

  async events(
    sessionId: string,
    query: { after_offset?: string | undefined; limit?: string | undefined },
  ): Promise<SessionEventLog> {
    const session = await requireSession(this.#deps.store, sessionId);
    const limit = query.limit === undefined ? undefined : positive("limit", query.limit);
    return sessionEventLog(this.#deps.store, session, {
      afterOffset: query.after_offset === undefined ? 0 : positive("after_offset", query.after_offset, 0),
      ...(limit === undefined ? {} : { limit }),
    });
  }

  async permissionAudits(
    sessionId: string,
    query: ListQuery,
  ): Promise<PermissionAudit[] | ListPage<PermissionAudit>> {
    await requireSession(this.#deps.store, sessionId);
    const page = parsePage(query);
    const audits = (await permissionAudits(this.#deps.store, sessionId)).map((audit, index) => ({
      audit,
      index,
    }));
    if (!page.envelope || page.limit === undefined)
      return audits.slice(0, page.limit).map(({ audit }) => audit);
    const from = page.after === undefined ? 0 : Number(page.after) + 1;
    if (!Number.isSafeInteger(from) || from < 0)
      throw problem("pagination", "invalid_cursor", "the cursor is not of this list");
    const listed = audits.slice(from, from + page.limit + 1);
    return pageOf(
      listed,
      {
        limit: page.limit,
        totalCount: audits.length,
        order: "sequence_asc",
        sortKey: ({ index }) => String(index),
      },
      listed.map(({ audit }) => audit),
    );
  }

  /** Inline submission: answers when the run has settled or waits (01-R24, 01-R25). */
  async input(
    sessionId: string,
    request: SubmitInputRequest,
    caller: { principal: string; headerKey?: string },
    signal: AbortSignal,
  ): Promise<SessionView> {
    const { runId } = await submit(this.#deps, sessionId, request, { ...caller, mode: "inline" });
    return this.settled(runId, signal);
  }

  /** The session when the run is at rest; a run that did not get there well is a problem that names it (01-R25). */
  async settled(runId: string, signal: AbortSignal): Promise<SessionView> {
    const run = await this.#waits.until(runId, signal);
    if (run === undefined) throw problem("api", "internal_error", "the caller went away", { run_id: runId });
    switch (run.data.status) {
      case "failed":
        if (run.data.error_code === BUDGET_EXHAUSTED) {
          throw problem("budgets", BUDGET_EXHAUSTED, run.data.error ?? "a budget is used up", {
            run_id: runId,
          });
        }
        throw new Problem(undefined, "internal_error", 500, run.data.error ?? "the run failed", {
          run_id: runId,
        });
      case "interrupted":
        throw new Problem(undefined, "conflict", 409, "run interrupted", { run_id: runId });
      case "cancelled":
        throw new Problem(undefined, "conflict", 409, "run cancelled", { run_id: runId });
      default:
        return this.get(run.data.session_id);
    }
  }

  async interrupt(
    sessionId: string,
    clearQueue: boolean,
    { principal }: { principal: string },
  ): Promise<InterruptResponse> {
    const { interrupted } = await interruptSession(this.#deps, sessionId, { clearQueue, principal });
    const session = await requireSession(this.#deps.store, sessionId);
    return { interrupted, snapshot: await agentSnapshot(this.#deps.store, session) };
  }

  async end(sessionId: string, reason: string | null | undefined): Promise<SessionView> {
    await endSession(this.#deps, sessionId, reason ?? undefined);
    return this.get(sessionId);
  }

  async set(sessionId: string, setting: SessionSetting, by: Changer): Promise<SessionView> {
    await requireSession(this.#deps.store, sessionId);
    await setSessionDefault(this.#deps, sessionId, setting, by);
    return this.get(sessionId);
  }

  async bindPersona(sessionId: string, personaId: string): Promise<SessionView> {
    await bindPersona(this.#deps, sessionId, personaId);
    return this.get(sessionId);
  }

  async clearPersona(sessionId: string): Promise<SessionView> {
    await clearPersona(this.#deps, sessionId);
    return this.get(sessionId);
  }

  async replyTargets(sessionId: string): Promise<{ reply_targets: ReplyHandle[] }> {
    const { data } = await requireSession(this.#deps.store, sessionId);
    return { reply_targets: data.reply_targets ?? [] };
  }

  async operator(sessionId: string): Promise<{ operator: OperatorConfig }> {
    const { data } = await requireSession(this.#deps.store, sessionId);
    return { operator: data.operator ?? { enabled: false, allow_notify: true, allow_questions: true } };
  }

  async toolOverrides(sessionId: string): Promise<ToolOverrides> {
    const { data } = await requireSession(this.#deps.store, sessionId);
    return data.tool_overrides ?? {};
  }

  async #first(limit: number | undefined): Promise<Kept<"session">[]> {
    const sessions: Kept<"session">[] = [];
    let after: string | undefined;
    while (limit === undefined || sessions.length < limit) {
      const page = await this.#deps.store.list("session", {
        index: "id",
        limit: READ_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      sessions.push(...(page as unknown as Kept<"session">[]));
      after = page.at(-1)?.cursor;
      if (page.length < READ_PAGE) break;
    }
    return sessions.slice(0, limit);
  }
}

function positive(name: string, text: string, least = 1): number {
  const value = /^\d+$/.test(text) ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : -1;
  if (value < least) {
    throw problem(
      "pagination",
      "invalid_limit",
      `${name} must be a whole number from ${least}, not '${text}'`,
    );
  }
  return value;
}

function emptyPage(limit: number): ListPage<SessionViewSummary> {
  return { items: [], pagination: { limit, total_count: 0, has_more: false, order: "session_id_asc" } };
}
