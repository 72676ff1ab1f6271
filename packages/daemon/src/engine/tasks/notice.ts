import { isTaskOver } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { previewOf } from "../commands/preview.ts";
import type { UserMessage } from "../messages.ts";
import { queuedRun } from "../queued-run.ts";
import { type Kept, type RunRecord, type StoredTask, taskRecordId } from "../records.ts";
import type { SessionChange } from "../session-change.ts";
import { acceptRun } from "../transitions.ts";
import { isObject } from "./rules.ts";

/** Of one session's tasks, at most so many are told in one run. */
const MOST_TOLD = 32;

/** Background commands of which nobody has been told what became of them. */
export async function untoldTasks(store: Store, sessionId: string): Promise<Kept<"task">[]> {
  const query = { index: "untold", prefix: [sessionId], limit: MOST_TOLD };
  return (await store.list("task", query)) as unknown as Kept<"task">[];
}

/**
 * Begins a run that tells the session's agent what became of its background commands (04-R51, R48): queued behind the
 * others where somebody is at work. It goes on with the route of the newest run that began one of them, and answers
 * where that one answered.
 */
export async function tellTasks(
  store: Store,
  change: SessionChange,
  tasks: readonly Kept<"task">[],
): Promise<void> {
  const last = tasks.at(-1)?.data.shell;
  if (last === undefined) return;
  for (const { id, revision, data } of tasks) change.put("task", id, toldTask(data), revision);
  const text = noticeOf(tasks.map(({ data }) => data));
  const runId = `run-${await store.reserveIds("run", 1)}`;
  const input: UserMessage = {
    role: "user",
    id: `msg-${runId}`,
    synthetic: true,
    parts: [{ type: "text", text }],
  };
  acceptRun(change, noticeRun(change, runId, tasks, last, text), input);
}

/** Nothing of it is news any more. */
export function toldTask(stored: StoredTask): StoredTask {
  if (stored.shell === undefined) return stored;
  const { news: _told, ...shell } = stored.shell;
  return { ...stored, shell };
}

/** The agent sees in the result of its own call how these ended, so nobody has to tell it. */
export async function markTold(
  store: Store,
  change: SessionChange,
  sessionId: string,
  taskIds: readonly string[],
): Promise<void> {
  const ids = taskIds.map((taskId) => taskRecordId(sessionId, taskId));
  for (const stored of (await store.getMany("task", ids)) as unknown as Kept<"task">[]) {
    if (stored.data.shell?.news === "ended")
      change.put("task", stored.id, toldTask(stored.data), stored.revision);
  }
}

function noticeRun(
  change: SessionChange,
  runId: string,
  tasks: readonly Kept<"task">[],
  { run }: NonNullable<StoredTask["shell"]>,
  text: string,
): RunRecord {
  const stalled = tasks.every(({ data }) => !isTaskOver(data.task.status));
  return queuedRun(change.session, change.now, {
    run_id: runId,
    kind: "mailbox_delivery",
    request: {
      source_plugin: "daemon",
      source_kind: stalled ? "background_shell_stalled" : "background_shell_completed",
      actor_id: "daemon",
      text_preview: previewOf(text),
    },
    route: run.route,
    generation: run.generation,
    input_metadata: { daemon: { task_ids: tasks.map(({ data }) => data.task.id) } },
    reply_targets: run.reply_targets,
    principal: "daemon",
  });
}

function noticeOf(tasks: readonly StoredTask[]): string {
  const lines = tasks.map(({ task }) => {
    const metadata = isObject(task.metadata) ? task.metadata : {};
    const what = isTaskOver(task.status)
      ? `is over: ${task.status}, ${task.output ?? ""}`
      : "has written nothing for a while and seems to wait for an answer, which it cannot get: its input is closed";
    return `- ${task.id} (${previewOf(String(metadata.command ?? task.title))}) ${what}`;
  });
  return [
    "What became of commands in the background; no person has just written.",
    ...lines,
    "task_output shows what they wrote. Go on with what you began them for, or say briefly how they ended.",
  ].join("\n");
}
