import { BACKGROUND_SHELL, isTaskOver, type Json, type JsonObject, type TaskStatus } from "@kheish/contract";
import type { StoredTask } from "../records.ts";
import type { TaskUpdate } from "./port.ts";

/** Why a change of tasks is refused, in words a model can act on. */
export class TaskRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TaskRefused";
  }
}

/** Metadata that only the daemon writes (03-R79, 04-R38). */
const DAEMON_KEYS = new Set([
  "created_by_run_id",
  "output_file_path",
  "tool_call_id",
  "pid",
  "process_group_id",
  "exit_code",
  "terminal_reason",
  "recovered_on_boot",
  "output_size_bytes",
  "output_total_bytes",
  "output_rotated",
  "output_rotation_count",
  "cancelled",
  "killed_for_size",
  "interactive_prompt_detected",
  "started_in_background",
  "reply_targets",
]);

/** 03-R79. */
export function refuseDaemonKeys(metadata: Json | undefined, removed: readonly string[] = []): void {
  const fields = isObject(metadata) ? metadata : {};
  const owned = [...Object.keys(fields), ...removed].find((key) => DAEMON_KEYS.has(key));
  if (owned !== undefined) throw new TaskRefused(`metadata '${owned}' is the daemon's own`);
  if (fields.kind === BACKGROUND_SHELL)
    throw new TaskRefused(`metadata kind '${BACKGROUND_SHELL}' is the daemon's own`);
}

/** What a task made in a run keeps (04, Session task): what is no object is wrapped. */
export function createdMetadata(metadata: Json, runId: string): Json {
  if (isObject(metadata)) return { ...metadata, created_by_run_id: runId };
  return { created_by_run_id: runId, ...(metadata === null ? {} : { user_metadata: metadata }) };
}

/** Merged shallowly, then without what is to go (04-R39). */
export function mergedMetadata(
  before: Json,
  added: JsonObject | undefined,
  removed: readonly string[] | undefined,
): Json {
  if (added === undefined && removed === undefined) return before;
  const merged: JsonObject = { ...(isObject(before) ? before : {}), ...added };
  for (const key of removed ?? []) delete merged[key];
  return merged;
}

/** 04-R39: replaced, then added to, then taken from. */
export function changedList(
  before: readonly string[],
  { replace, add, remove }: { replace?: string[]; add?: string[]; remove?: string[] },
): string[] {
  const gone = new Set(remove);
  return [...new Set([...(replace ?? before), ...(add ?? [])])].filter((id) => !gone.has(id));
}

/** 04-R41; what a background command says of itself stays as it is when it is over, so that it ends once. */
export function refuseShellEdit({ task, shell }: StoredTask, update: TaskUpdate): void {
  if (shell === undefined) return;
  const edited = (["status", "output", "metadata", "remove_metadata_keys"] as const).find(
    (field) => update[field] !== undefined,
  );
  if (edited === undefined) return;
  const hint = isTaskOver(task.status) ? "" : "; task_stop stops it";
  throw new TaskRefused(`'${edited}' of a background command is the daemon's to say${hint}`);
}

/** 03-R78: whoever waits for others does not begin, and a task that is done says what came of it. */
export function refuseStatus(task: StoredTask["task"], blockers: readonly StoredTask[]): void {
  const { status } = task;
  if (status !== "in_progress" && status !== "completed") return;
  const open = blockers.find((one) => one.task.status !== "completed");
  if (open !== undefined)
    throw new TaskRefused(`task '${task.id}' is blocked by '${open.task.id}', which is ${open.task.status}`);
  if (status === "completed" && (task.output ?? "").trim() === "")
    throw new TaskRefused("a completed task needs a non-empty 'output'");
}

export function endsNow(before: TaskStatus, after: TaskStatus): boolean {
  return !isTaskOver(before) && isTaskOver(after);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
