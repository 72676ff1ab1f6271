import { z } from "zod";
import { Json, Millis } from "./json.ts";
import { ListQuery, QueryFlag } from "./pagination.ts";

/** The last three are the end of a task. */
export const TaskStatus = z.enum(["pending", "in_progress", "blocked", "completed", "failed", "cancelled"]);
export type TaskStatus = z.infer<typeof TaskStatus>;

export function isTaskOver(status: TaskStatus): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** `metadata.kind` of a command that runs in the background. */
export const BACKGROUND_SHELL = "background_shell";

/** A visible unit of a session's work (04, Session task). */
export const TaskRecord = z
  .object({
    id: z.string(),
    title: z.string().describe("no other task of the session that is not over has it, ignoring case"),
    description: z.string(),
    status: TaskStatus,
    owner_agent_id: z.string().optional(),
    blocked_by: z.array(z.string()),
    blocks: z.array(z.string()),
    output: z.string().optional(),
    metadata: Json.describe("of a background command: what is known of its process and its output"),
    created_at_ms: Millis,
    updated_at_ms: Millis,
    revision: z.int().describe("grows with every change"),
  })
  .meta({ id: "TaskRecord" });
export type TaskRecord = z.infer<typeof TaskRecord>;

/** Bytes of a tail: what is shown unless asked otherwise, and at most. */
export const DEFAULT_TAIL_BYTES = 8 * 1024;
export const MAX_TAIL_BYTES = 256 * 1024;
/** What a reader waits for a task unless asked otherwise, and at most. */
export const DEFAULT_TASK_WAIT_MS = 30_000;
export const MAX_TASK_WAIT_MS = 110_000;

/** What a task has brought so far; that it could be read says nothing about how the task ended. */
export const TaskOutputView = z
  .object({
    retrieval_status: z
      .enum(["success", "not_ready", "timeout"])
      .describe("success: the task is over or blocked; timeout: it was waited for and is not"),
    task: TaskRecord,
    output_file_path: z.string().optional().describe("below the state root, while the command runs"),
    output_excerpt: z.string().optional().describe("the end of the output"),
    output_text: z.string().optional().describe("all of it that is kept, where that was asked for"),
    output_truncated: z.boolean().describe("something of the output is not in this answer"),
    output_size_bytes: z.int().optional().describe("what is kept"),
    output_total_bytes: z.int().optional().describe("what was written"),
    output_rotated: z.boolean(),
    output_rotation_count: z.int().optional(),
  })
  .meta({ id: "TaskOutputView" });
export type TaskOutputView = z.infer<typeof TaskOutputView>;

export const TaskListQuery = ListQuery.extend({ status: TaskStatus.optional() });

const Digits = z.string().regex(/^\d{1,9}$/, "a whole number");

export const TaskOutputQuery = z.strictObject({
  wait: QueryFlag.optional().describe("until the task is over; default false"),
  timeout_ms: Digits.optional().describe(`default ${DEFAULT_TASK_WAIT_MS}, at most ${MAX_TASK_WAIT_MS}`),
  tail_bytes: Digits.optional().describe(`default ${DEFAULT_TAIL_BYTES}, at most ${MAX_TAIL_BYTES}`),
  full: QueryFlag.optional().describe("all that is kept, in output_text"),
});
export type TaskOutputQuery = z.infer<typeof TaskOutputQuery>;

export const StopTaskRequest = z
  .strictObject({ reason: z.string().max(2_000).optional() })
  .meta({ id: "StopTaskRequest" });
export type StopTaskRequest = z.infer<typeof StopTaskRequest>;

export const TasksStatus = z
  .object({
    total: z.int(),
    live_background_shell_task_count: z.int(),
    pending: z.int(),
    in_progress: z.int(),
    blocked: z.int(),
    completed: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    unreadable_session_count: z.int().describe("0: tasks are records of their own"),
    unindexed_session_count: z.int().describe("0: tasks are records of their own"),
  })
  .meta({ id: "TasksStatus" });
export type TasksStatus = z.infer<typeof TasksStatus>;
