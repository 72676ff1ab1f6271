import type { JsonObject, TaskRecord } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { announce } from "../hooks/announce.ts";
import type { HookPort } from "../hooks/port.ts";
import { type Kept, read, type SessionRecord, type StoredTask, taskRecordId, titleKey } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { endsNow, TaskRefused } from "./rules.ts";

export interface TaskDeps {
  store: Store;
  hooks: Pick<HookPort, "wants" | "announce">;
}

type Session = Pick<SessionRecord, "session_id" | "agent_id" | "hook_agent">;

/**
 * The tasks of one session as one change sees them. Each is a record of its own, written at the revision it was read
 * at: two who change different tasks do not meet, and of two who change one the second looks again (04, weakness 19).
 */
export class TaskBook {
  readonly #deps: TaskDeps;
  readonly #session: Session;
  readonly #read = new Map<string, Kept<"task"> | undefined>();
  readonly #staged = new Map<string, StoredTask | undefined>();

  constructor(deps: TaskDeps, session: Session) {
    this.#deps = deps;
    this.#session = session;
  }

  get sessionId(): string {
    return this.#session.session_id;
  }

  async get(taskId: string): Promise<StoredTask | undefined> {
    if (this.#staged.has(taskId)) return this.#staged.get(taskId);
    if (!this.#read.has(taskId)) {
      this.#read.set(taskId, await read(this.#deps.store, "task", taskRecordId(this.sessionId, taskId)));
    }
    return this.#read.get(taskId)?.data;
  }

  async require(taskId: string): Promise<StoredTask> {
    const task = await this.get(taskId);
    if (task === undefined) throw new TaskRefused(`no task '${taskId}' in this session`);
    return task;
  }

  stage(task: StoredTask): void {
    this.#staged.set(task.task.id, task);
  }

  stageDeletion(taskId: string): void {
    this.#staged.set(taskId, undefined);
  }

  /** Another task of the session that is not over and has this title (03-R78). */
  async holderOf(title: string, exceptId?: string): Promise<string | undefined> {
    const prefix = [this.sessionId, titleKey(title)];
    const found = await this.#deps.store.list("task", { index: "title", prefix, limit: 2 });
    return (found as unknown as Kept<"task">[]).map(({ data }) => data.task.id).find((id) => id !== exceptId);
  }

  /** `wanted`, or the first of it with a number that nobody has. */
  async freeId(wanted: string): Promise<string> {
    for (let number = 0; ; number++) {
      const id = number === 0 ? wanted : `${wanted}-${number}`;
      if ((await this.get(id)) === undefined) return id;
    }
  }

  /** A task as a client reads it, once the change has landed. */
  view(taskId: string): TaskRecord {
    const task = this.#staged.get(taskId);
    if (task === undefined) throw new Error(`task '${taskId}' is not part of this change`);
    return { ...task.task, revision: (this.#read.get(taskId)?.revision ?? 0) + 1 };
  }

  /** The same as a call's result has it. */
  shown(taskId: string): JsonObject {
    return this.view(taskId) as unknown as JsonObject;
  }

  /** Brings everything that was staged into the change: records, one event each, and the hooks that watch. */
  flush(change: SessionChange, options: { runId?: string; requestsStop?: boolean } = {}): void {
    for (const [taskId, after] of this.#staged) {
      const before = this.#read.get(taskId);
      if (after === undefined) this.#delete(change, taskId, before, options.runId);
      else this.#put(change, after, before, options);
    }
    this.#staged.clear();
  }

  #put(
    change: SessionChange,
    after: StoredTask,
    before: Kept<"task"> | undefined,
    { runId, requestsStop }: { runId?: string; requestsStop?: boolean },
  ): void {
    const { id, status } = after.task;
    change.put("task", taskRecordId(this.sessionId, id), after, before?.revision ?? 0);
    const moved = requestsStop === true ? ("stop_requested" as const) : ("updated" as const);
    change.emit("task_changed", {
      task_id: id,
      change: before === undefined ? "created" : moved,
      status,
      ...(after.shell === undefined ? {} : { host: after.shell.host }),
      ...(runId === undefined ? {} : { run_id: runId }),
    });
    this.#announce(change, after, before?.data, runId);
  }

  #delete(
    change: SessionChange,
    taskId: string,
    before: Kept<"task"> | undefined,
    runId: string | undefined,
  ): void {
    if (before === undefined) return;
    change.add({ op: "delete", kind: "task", id: before.id, expectedRevision: before.revision });
    change.emit("task_changed", {
      task_id: taskId,
      change: "deleted",
      status: before.data.task.status,
      ...(runId === undefined ? {} : { run_id: runId }),
    });
  }

  #announce(
    change: SessionChange,
    { task }: StoredTask,
    before: StoredTask | undefined,
    runId?: string,
  ): void {
    const { id: task_id, title, status, owner_agent_id, output } = task;
    const about = { task_id, title, ...(owner_agent_id === undefined ? {} : { owner_agent_id }) };
    const by = runId === undefined ? {} : { runId };
    const { hooks } = this.#deps;
    if (before === undefined) {
      const place = ["task_created", task_id];
      announce(hooks, change, this.#session, "task_created", {
        ...by,
        subject: task_id,
        place,
        payload: about,
      });
    }
    if (endsNow(before?.task.status ?? "pending", status)) {
      const payload = { ...about, status, ...(output === undefined ? {} : { output }) };
      // A task that is opened again may end again.
      const place = ["task_completed", task_id, change.nextSeq];
      announce(hooks, change, this.#session, "task_completed", { ...by, subject: task_id, place, payload });
    }
  }
}
