import {
  isTaskOver,
  type ListPage,
  type ListQuery,
  problem,
  type TaskOutputView,
  type TaskRecord,
  TaskStatus,
  type TasksStatus,
} from "@kheish/contract";
import {
  adminAction,
  type Changer,
  type CommandDeps,
  type Kept,
  read,
  recorded,
  requireSession,
  sessionStream,
  TaskBook,
  type TaskOutputOptions,
  type TaskPort,
  type TaskRead,
  taskRecordId,
  transact,
  withMetadata,
} from "../../engine/index.ts";
import { encodeKey, encodeCursor as indexCursor } from "../../kernel/keys.ts";
import type { KeyParts } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import { tailOf } from "../../tools/bytes.ts";
import { pageOf, parsePage } from "../pagination.ts";
import type { OutputCounts } from "./output-log.ts";
import type { TaskOutputs } from "./outputs.ts";

export interface TaskServiceDeps {
  commands: () => CommandDeps;
  tail: JournalTail;
  /** Of the commands that run here; absent where none do. */
  shells?: { countsOf: (id: string) => OutputCounts | undefined; outputs: TaskOutputs };
}

/** 04-R49. */
const STOP_WAIT_MS = 5_000;
const MOST_LISTED = 1_000;

/** Tasks as clients and tools read them, and how one is stopped. */
export class TaskService implements TaskPort {
  readonly #deps: TaskServiceDeps;

  constructor(deps: TaskServiceDeps) {
    this.#deps = deps;
  }

  get #commands(): CommandDeps {
    return this.#deps.commands();
  }

  async get(sessionId: string, taskId: string): Promise<TaskRead<TaskRecord>> {
    const kept = await this.#require(sessionId, taskId);
    return { value: view(kept), news: newsOf([kept]) };
  }

  async list(sessionId: string, status: TaskStatus | undefined): Promise<TaskRead<TaskRecord[]>> {
    const kept = await this.#listed(sessionId, status, { limit: MOST_LISTED });
    return { value: kept.map(view), news: newsOf(kept) };
  }

  async page(
    sessionId: string,
    query: ListQuery,
    status: TaskStatus | undefined,
  ): Promise<TaskRecord[] | ListPage<TaskRecord>> {
    const { store } = this.#commands;
    await requireSession(store, sessionId);
    const page = parsePage(query);
    const wanted = page.limit ?? MOST_LISTED * 10;
    const kept = await this.#listed(sessionId, status, {
      limit: page.envelope ? wanted + 1 : wanted,
      ...(page.after === undefined ? {} : { after: page.after }),
    });
    if (!page.envelope) return kept.map(view);
    const totalCount = await store.count("task", indexOf(sessionId, status));
    return pageOf(
      kept,
      { limit: wanted, totalCount, order: "created_at_ms_asc,task_id_asc", sortKey },
      kept.map(view),
    );
  }

  async output(
    sessionId: string,
    taskId: string,
    options: TaskOutputOptions,
    signal: AbortSignal,
  ): Promise<TaskRead<TaskOutputView>> {
    const kept = options.wait
      ? await this.#untilOver(sessionId, taskId, options.timeoutMs, signal)
      : await this.#require(sessionId, taskId);
    const isReady = !isAtWork(kept);
    const status = isReady ? "success" : options.wait ? "timeout" : "not_ready";
    const shown = { ...(await this.#content(kept, options)), task: view(kept) };
    return { value: { retrieval_status: status, ...shown }, news: newsOf([kept]) };
  }

  /** A command is told to stop and gets a while to end; any other task is cancelled at once (04-R49). */
  async stop(
    sessionId: string,
    taskId: string,
    reason: string | undefined,
    signal: AbortSignal,
    by?: Changer,
  ): Promise<TaskRead<TaskRecord>> {
    await this.requestStop(sessionId, taskId, reason, by);
    const kept = await this.#untilOver(sessionId, taskId, STOP_WAIT_MS, signal);
    return { value: view(kept), news: newsOf([kept]) };
  }

  async requestStop(
    sessionId: string,
    taskId: string,
    reason: string | undefined,
    by?: Changer,
  ): Promise<void> {
    const commands = this.#commands;
    await transact(commands, sessionId, async (change, session) => {
      const book = new TaskBook(commands, session.data);
      const stored = await book.get(taskId);
      if (stored === undefined) throw notFound(sessionId, taskId);
      if (isTaskOver(stored.task.status) || withMetadata(stored, {}).stop_requested === true) return;
      const isShell = stored.shell !== undefined;
      const asked = {
        stop_requested: true,
        stop_requested_at_ms: change.now,
        ...(reason === undefined ? {} : { stop_reason: reason }),
      };
      book.stage({
        ...stored,
        task: {
          ...stored.task,
          ...(isShell
            ? { metadata: withMetadata(stored, asked) }
            : { status: "cancelled" as const, ...(reason === undefined ? {} : { output: reason }) }),
          updated_at_ms: change.now,
        },
      });
      book.flush(change, { requestsStop: isShell });
      if (by === undefined) return;
      const told = adminAction({
        ...by,
        target: `tasks/${taskId}`,
        change: { action: "stop" },
        withdraws: true,
        ...(reason === undefined ? {} : { reason }),
      });
      change.audit({ ...told, session_id: sessionId, agent_id: session.data.agent_id });
    });
  }

  async status(): Promise<TasksStatus> {
    const { store } = this.#commands;
    const counted = await Promise.all(
      TaskStatus.options.map(
        async (one) => [one, await store.count("task", { index: "status", prefix: [one] })] as const,
      ),
    );
    const counts = Object.fromEntries(counted) as Record<TaskStatus, number>;
    return {
      ...counts,
      total: Object.values(counts).reduce((sum, one) => sum + one, 0),
      live_background_shell_task_count: await store.count("task", { index: "live" }),
      unreadable_session_count: 0,
      unindexed_session_count: 0,
    };
  }

  async #require(sessionId: string, taskId: string): Promise<Kept<"task">> {
    const { store } = this.#commands;
    const kept = await read(store, "task", taskRecordId(sessionId, taskId));
    if (kept !== undefined) return kept;
    await requireSession(store, sessionId);
    throw notFound(sessionId, taskId);
  }

  async #listed(
    sessionId: string,
    status: TaskStatus | undefined,
    { limit, after }: { limit: number; after?: string },
  ): Promise<Kept<"task">[]> {
    const place = indexOf(sessionId, status);
    const listed = await this.#commands.store.list("task", {
      ...place,
      limit,
      ...(after === undefined ? {} : { after: cursorAt(sessionId, place.prefix, after) }),
    });
    return listed as unknown as Kept<"task">[];
  }

  /** The journal wakes, the record decides. */
  async #untilOver(
    sessionId: string,
    taskId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Kept<"task">> {
    const { tail } = this.#deps;
    const commands = this.#commands;
    const over = new AbortController();
    const timer = commands.clock.schedule(timeoutMs, () => over.abort());
    const either = AbortSignal.any([signal, over.signal]);
    try {
      for (;;) {
        const { position } = tail;
        const kept = await this.#require(sessionId, taskId);
        if (!isAtWork(kept) || either.aborted || !tail.isFollowing) return kept;
        await tail.afterIn(sessionStream(sessionId), position, either, (stored) => {
          const event = recorded(stored);
          return event.type === "task_changed" && event.data.task_id === taskId;
        });
      }
    } finally {
      timer.cancel();
    }
  }

  async #content(
    kept: Kept<"task">,
    options: TaskOutputOptions,
  ): Promise<Omit<TaskOutputView, "retrieval_status" | "task">> {
    const { task, shell } = kept.data;
    if (shell === undefined) return told(Buffer.from(task.output ?? ""), options);
    const metadata = withMetadata(kept.data, {});
    const live = this.#deps.shells?.countsOf(kept.id);
    const bytes = await this.#bytesOf(kept, options);
    const size = live?.size ?? metadata.output_size_bytes ?? bytes?.length;
    const total = live?.total ?? metadata.output_total_bytes;
    const rotations = live?.rotations ?? metadata.output_rotation_count;
    const { output_file_path: path } = metadata;
    return {
      ...told(bytes ?? Buffer.alloc(0), options),
      output_truncated: typeof size === "number" && (bytes?.length ?? 0) < size,
      ...(typeof path === "string" ? { output_file_path: path } : {}),
      ...(typeof size === "number" ? { output_size_bytes: size } : {}),
      ...(typeof total === "number" ? { output_total_bytes: total } : {}),
      output_rotated: typeof rotations === "number" && rotations > 0,
      ...(typeof rotations === "number" ? { output_rotation_count: rotations } : {}),
    };
  }

  /** Of a command that is over from the blobs; of one that runs from this daemon's disk, if it runs here. */
  async #bytesOf({ id, data }: Kept<"task">, options: TaskOutputOptions): Promise<Buffer | undefined> {
    const { shells } = this.#deps;
    const blob = data.shell?.output_blob;
    if (blob === undefined) {
      if (options.full) return shells?.outputs.read(id);
      return shells?.outputs.tail(id, options.tailBytes);
    }
    const start = options.full ? 0 : Math.max(0, blob.size_bytes - options.tailBytes);
    const stream = await this.#commands.blobs.read(blob.sha256, { start });
    if (stream === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
}

function told(
  bytes: Buffer,
  { full, tailBytes }: TaskOutputOptions,
): Pick<TaskOutputView, "output_excerpt" | "output_text" | "output_truncated" | "output_rotated"> {
  if (full) return { output_text: bytes.toString("utf8"), output_truncated: false, output_rotated: false };
  const tail = tailOf(bytes, tailBytes);
  return {
    output_excerpt: tail.toString("utf8"),
    output_truncated: tail.length < bytes.length,
    output_rotated: false,
  };
}

/** 04-R42: whoever is blocked is waited for no longer. */
function isAtWork({ data }: Kept<"task">): boolean {
  return data.task.status === "pending" || data.task.status === "in_progress";
}

function view({ data, revision }: Kept<"task">): TaskRecord {
  return { ...data.task, revision };
}

function newsOf(kept: readonly Kept<"task">[]): string[] {
  return kept.flatMap(({ data }) => (data.shell?.news === "ended" ? [data.task.id] : []));
}

function indexOf(sessionId: string, status: TaskStatus | undefined) {
  return status === undefined
    ? { index: "session", prefix: [sessionId] }
    : { index: "status", prefix: [status, sessionId] };
}

/** Creation time, `:`, the task's id. */
function sortKey({ data }: Kept<"task">): string {
  return `${data.task.created_at_ms}:${data.task.id}`;
}

function cursorAt(sessionId: string, prefix: KeyParts, key: string): string {
  const [, createdAt, taskId] = /^(\d{1,15}):(.+)$/s.exec(key) ?? [];
  if (createdAt === undefined || taskId === undefined)
    throw problem("pagination", "invalid_cursor", "the cursor is not of this list");
  const recordId = taskRecordId(sessionId, taskId);
  return indexCursor(encodeKey([...prefix, Number(createdAt), taskId]), recordId);
}

function notFound(sessionId: string, taskId: string) {
  return problem("tasks", "task_not_found", `no task '${taskId}' in session '${sessionId}'`);
}
