import { isTaskOver, type Json } from "@kheish/contract";
import type { Driver } from "../loop/driver.ts";
import type { StoredTask } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { TaskBook } from "./book.ts";
import type { TaskChange, TaskUpdate } from "./port.ts";
import {
  changedList,
  createdMetadata,
  mergedMetadata,
  refuseDaemonKeys,
  refuseShellEdit,
  refuseStatus,
  TaskRefused,
} from "./rules.ts";
import { beginShellTask } from "./shell-task.ts";

interface ToolResultParts {
  output: Json;
  is_error: boolean;
}

/** Carries out what a tool asks of the session's tasks, in the commit that keeps the call's result. */
export async function changeTask(
  driver: Driver,
  change: SessionChange,
  callId: string,
  wanted: TaskChange,
): Promise<ToolResultParts> {
  const book = new TaskBook(driver.deps, driver.session);
  try {
    const output = await apply(driver, book, change, callId, wanted);
    book.flush(change, { runId: driver.run.id });
    return { output, is_error: false };
  } catch (error) {
    if (!(error instanceof TaskRefused)) throw error;
    return { output: { error: error.message }, is_error: true };
  }
}

/** Answers the call's output; what it staged is not written when it refuses. */
async function apply(
  driver: Driver,
  book: TaskBook,
  change: SessionChange,
  callId: string,
  wanted: TaskChange,
): Promise<Json> {
  switch (wanted.type) {
    case "create":
      return create(driver, book, change, wanted);
    case "update":
      return update(driver, book, change, wanted.task_id, wanted);
    case "delete":
      return remove(book, wanted.task_id);
    case "begin_shell": {
      const id = await beginShellTask(driver, book, change, callId, wanted.command);
      return { ...wanted.output, background_task_id: id, task: book.shown(id) };
    }
  }
}

async function create(
  driver: Driver,
  book: TaskBook,
  change: SessionChange,
  wanted: Extract<TaskChange, { type: "create" }>,
): Promise<Json> {
  refuseDaemonKeys(wanted.metadata);
  const title = await checkedTitle(book, wanted.title);
  refuseOtherOwner(driver, wanted.owner_agent_id);
  const id = await book.freeId(`task-${change.now}`);
  const stored: StoredTask = {
    session_id: book.sessionId,
    task: {
      id,
      title,
      description: wanted.description,
      status: "pending",
      ...(wanted.owner_agent_id === undefined ? {} : { owner_agent_id: wanted.owner_agent_id }),
      blocked_by: [...new Set(wanted.blocked_by)],
      blocks: [...new Set(wanted.blocks)],
      metadata: createdMetadata(wanted.metadata, driver.run.id),
      created_at_ms: change.now,
      updated_at_ms: change.now,
    },
  };
  book.stage(stored);
  await tie(book, change, stored.task, { blocked_by: [], blocks: [] });
  const count = await driver.deps.store.count("task", { index: "session", prefix: [book.sessionId] });
  return { task: book.shown(id), task_count: count + 1 };
}

async function update(
  driver: Driver,
  book: TaskBook,
  change: SessionChange,
  taskId: string,
  wanted: TaskUpdate,
): Promise<Json> {
  const before = await book.require(taskId);
  refuseShellEdit(before, wanted);
  refuseDaemonKeys(wanted.metadata, wanted.remove_metadata_keys);
  refuseOtherOwner(driver, wanted.owner_agent_id);
  const owner = wanted.owner_agent_id ?? before.task.owner_agent_id;
  const status = wanted.status ?? before.task.status;
  // 04-R40: whoever begins what nobody owns owns it.
  const taken = owner ?? (status === "in_progress" ? driver.session.agent_id : undefined);
  const task: StoredTask["task"] = {
    ...before.task,
    title: wanted.title === undefined ? before.task.title : await checkedTitle(book, wanted.title, taskId),
    description: wanted.description ?? before.task.description,
    status,
    ...(taken === undefined ? {} : { owner_agent_id: taken }),
    ...(wanted.output === undefined ? {} : { output: wanted.output }),
    metadata: mergedMetadata(before.task.metadata, wanted.metadata, wanted.remove_metadata_keys),
    blocked_by: changedList(before.task.blocked_by, {
      ...(wanted.blocked_by === undefined ? {} : { replace: wanted.blocked_by }),
      ...(wanted.add_blocked_by === undefined ? {} : { add: wanted.add_blocked_by }),
      ...(wanted.remove_blocked_by === undefined ? {} : { remove: wanted.remove_blocked_by }),
    }),
    blocks: changedList(before.task.blocks, {
      ...(wanted.blocks === undefined ? {} : { replace: wanted.blocks }),
      ...(wanted.add_blocks === undefined ? {} : { add: wanted.add_blocks }),
      ...(wanted.remove_blocks === undefined ? {} : { remove: wanted.remove_blocks }),
    }),
    updated_at_ms: change.now,
  };
  // Opened again, it must not share its title with one that was made meanwhile.
  if (isTaskOver(before.task.status) && !isTaskOver(status)) await checkedTitle(book, task.title, taskId);
  book.stage({ ...before, task });
  await tie(book, change, task, before.task);
  if (wanted.status !== undefined || wanted.output !== undefined) {
    const blockers = await Promise.all(task.blocked_by.map((id) => book.require(id)));
    refuseStatus(task, blockers);
  }
  return book.shown(taskId);
}

async function remove(book: TaskBook, taskId: string): Promise<Json> {
  const stored = await book.require(taskId);
  if (stored.shell !== undefined && !isTaskOver(stored.task.status))
    throw new TaskRefused(`the command of task '${taskId}' still runs; task_stop stops it`);
  for (const id of new Set([...stored.task.blocked_by, ...stored.task.blocks])) {
    const other = await book.get(id);
    if (other !== undefined) book.stage(without(other, taskId));
  }
  book.stage(stored);
  const view = book.shown(taskId);
  book.stageDeletion(taskId);
  return view;
}

function without(other: StoredTask, taskId: string): StoredTask {
  const left = (ids: readonly string[]) => ids.filter((id) => id !== taskId);
  const { blocked_by, blocks } = other.task;
  return { ...other, task: { ...other.task, blocked_by: left(blocked_by), blocks: left(blocks) } };
}

/** Keeps both ends of a dependency in step, and refuses one that leads nowhere or back to where it began. */
async function tie(
  book: TaskBook,
  change: SessionChange,
  task: StoredTask["task"],
  before: Pick<StoredTask["task"], "blocked_by" | "blocks">,
): Promise<void> {
  for (const id of [...task.blocked_by, ...task.blocks]) {
    if (id === task.id) throw new TaskRefused("a task cannot wait for itself");
    await book.require(id);
  }
  await mirror(book, change, task.id, { now: task.blocked_by, before: before.blocked_by, end: "blocks" });
  await mirror(book, change, task.id, { now: task.blocks, before: before.blocks, end: "blocked_by" });
  await refuseCircle(book, task.id);
}

async function mirror(
  book: TaskBook,
  change: SessionChange,
  taskId: string,
  { now, before, end }: { now: readonly string[]; before: readonly string[]; end: "blocks" | "blocked_by" },
): Promise<void> {
  const changed = (other: StoredTask, ids: string[]) =>
    book.stage({ ...other, task: { ...other.task, [end]: ids, updated_at_ms: change.now } });
  for (const id of now) {
    const other = await book.require(id);
    if (!other.task[end].includes(taskId)) changed(other, [...other.task[end], taskId]);
  }
  for (const id of before) {
    const other = now.includes(id) ? undefined : await book.get(id);
    if (other?.task[end].includes(taskId)) {
      changed(
        other,
        other.task[end].filter((one) => one !== taskId),
      );
    }
  }
}

async function refuseCircle(book: TaskBook, start: string): Promise<void> {
  const seen = new Set<string>();
  const open = [...((await book.get(start))?.task.blocked_by ?? [])];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === start) throw new TaskRefused(`task '${start}' would wait for itself`);
    if (seen.has(id)) continue;
    seen.add(id);
    open.push(...((await book.get(id))?.task.blocked_by ?? []));
  }
}

async function checkedTitle(book: TaskBook, title: string, exceptId?: string): Promise<string> {
  const trimmed = title.trim();
  if (trimmed === "") throw new TaskRefused("a task needs a title");
  const holder = await book.holderOf(trimmed, exceptId);
  if (holder !== undefined)
    throw new TaskRefused(`task '${holder}', which is not over, has the title '${trimmed}'`);
  return trimmed;
}

/** A session has one agent; there is nobody else who could hear of the task. */
function refuseOtherOwner(driver: Driver, owner: string | undefined): void {
  const { agent_id } = driver.session;
  if (owner !== undefined && owner !== agent_id)
    throw new TaskRefused(`'${owner}' is no agent of this session; its agent is '${agent_id}'`);
}
