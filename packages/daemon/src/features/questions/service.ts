import { type ListPage, type ListQuery, type PendingQuestionView, problem } from "@kheish/contract";
import { type CommandDeps, type Kept, questionRecordId, read, requireSession } from "../../engine/index.ts";
import { encodeKey, encodeCursor as indexCursor } from "../../kernel/keys.ts";
import type { KeyParts } from "../../kernel/store.ts";
import { pageOf, parsePage } from "../pagination.ts";

/** Pending questions as clients list them. Answering is the engine's. */
export class QuestionService {
  readonly #deps: CommandDeps;

  constructor(deps: CommandDeps) {
    this.#deps = deps;
  }

  async list(
    query: ListQuery,
    sessionId: string | undefined,
  ): Promise<PendingQuestionView[] | ListPage<PendingQuestionView>> {
    const { store } = this.#deps;
    if (sessionId !== undefined) await requireSession(store, sessionId);
    const page = parsePage(query);
    const index = sessionId === undefined ? "pending" : "session";
    const prefix: KeyParts = sessionId === undefined ? [] : [sessionId];
    const wanted = page.limit ?? 10_000;
    const listed = await store.list("question", {
      index,
      prefix,
      limit: page.envelope ? wanted + 1 : wanted,
      ...(page.after === undefined ? {} : { after: cursorAt(prefix, page.after) }),
    });
    const questions = listed as unknown as Kept<"question">[];
    // A deadline that has passed is over, also while its timer is still on the way (03-R40).
    const open = questions.filter((question) => !isDue(question, this.#deps.clock.now()));
    const views = await Promise.all(open.map((question) => this.#view(question)));
    if (!page.envelope) return views;
    const totalCount = await store.count("question", { index, prefix });
    return pageOf(
      open,
      { limit: wanted, totalCount, order: "created_at_ms_asc,request_id_asc", sortKey },
      views,
    );
  }

  async #view(question: Kept<"question">): Promise<PendingQuestionView> {
    const run = await read(this.#deps.store, "run", question.data.run_id);
    return {
      session_id: question.data.session_id,
      agent_id: run?.data.agent_id ?? "",
      run_id: question.data.run_id,
      ...(run === undefined ? {} : { run_kind: run.data.kind }),
      requester_project_ids: [],
      requester_channel_ids: [],
      parent_project_ids: [],
      parent_channel_ids: [],
      request: question.data.request,
    };
  }
}

function isDue(question: Kept<"question">, now: number): boolean {
  const { expires_at_ms: deadline } = question.data.request;
  return deadline !== undefined && deadline <= now;
}

/** Creation time, `:`, the question's record id. */
function sortKey(question: Kept<"question">): string {
  const { run_id: runId, request } = question.data;
  return `${request.created_at_ms}:${questionRecordId(runId, request.id)}`;
}

function cursorAt(prefix: KeyParts, key: string): string {
  const [, createdAt, recordId] = /^(\d{1,15}):(.+)$/s.exec(key) ?? [];
  if (createdAt === undefined || recordId === undefined) {
    throw problem("pagination", "invalid_cursor", "the cursor is not of this list");
  }
  return indexCursor(encodeKey([...prefix, Number(createdAt), recordId]), recordId);
}
