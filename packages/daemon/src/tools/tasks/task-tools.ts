import {
  DEFAULT_TAIL_BYTES,
  DEFAULT_TASK_WAIT_MS,
  isProblem,
  type Json,
  MAX_TAIL_BYTES,
  MAX_TASK_WAIT_MS,
  TaskStatus,
} from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolContext, ToolOutcome } from "../../engine/ports.ts";
import type { TaskPort, TaskRead, TaskUpdate } from "../../engine/tasks/port.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { success } from "../outcome.ts";

const MAX_TITLE = 500;
const MAX_TEXT = 64 * 1024;

const Title = z.string().max(MAX_TITLE);
const Text = z.string().max(MAX_TEXT);
const TaskId = z.string().min(1).describe("Of a task of this session.");
const Ids = z.array(z.string().min(1)).max(200);
const Metadata = z.record(z.string(), z.json());

const CreateInput = z.strictObject({
  title: Title.describe("What is to be done; no other task that is not over may have it."),
  description: Text.optional(),
  owner_agent_id: z.string().min(1).optional().describe("The agent that works on it."),
  metadata: z.json().optional(),
  blocked_by: Ids.optional().describe("Tasks that have to be completed first."),
  blocks: Ids.optional().describe("Tasks that have to wait for this one."),
});

const UpdateInput = z.strictObject({
  task_id: TaskId,
  title: Title.optional(),
  description: Text.optional(),
  status: TaskStatus.optional().describe("completed needs output, here or before."),
  owner_agent_id: z.string().min(1).optional(),
  output: Text.optional().describe("What came of it."),
  metadata: Metadata.optional().describe("Merged into what there is."),
  remove_metadata_keys: z.array(z.string()).optional(),
  blocked_by: Ids.optional(),
  add_blocked_by: Ids.optional(),
  remove_blocked_by: Ids.optional(),
  blocks: Ids.optional(),
  add_blocks: Ids.optional(),
  remove_blocks: Ids.optional(),
});

const OutputInput = z.strictObject({
  task_id: TaskId,
  wait: z.boolean().default(true).describe("Until the task is over."),
  timeout_ms: z
    .int()
    .min(0)
    .default(DEFAULT_TASK_WAIT_MS)
    .describe(`How long to wait; at most ${MAX_TASK_WAIT_MS}.`),
  tail_bytes: z
    .int()
    .min(1)
    .default(DEFAULT_TAIL_BYTES)
    .describe(`Bytes from the end; at most ${MAX_TAIL_BYTES}.`),
  full: z.boolean().default(false).describe("All that is kept of the output."),
});

const shared = { timeoutMs: 10_000, sandbox: "inherited", boundary: "internal" } as const;

/** What a model may do about the tasks of its session (03-R78, R79). The rules are the engine's. */
export function taskTools(): Tool[] {
  return [
    defineTool({
      ...shared,
      name: "task_create",
      description: "Adds a task to the session's list, for work that has parts worth following.",
      schema: CreateInput,
      effect: "idempotent",
      allowsParallel: false,
      async execute(input): Promise<ToolOutcome> {
        return {
          kind: "task",
          change: {
            type: "create",
            title: input.title,
            description: input.description ?? "",
            metadata: (input.metadata ?? null) as Json,
            blocked_by: input.blocked_by ?? [],
            blocks: input.blocks ?? [],
            ...(input.owner_agent_id === undefined ? {} : { owner_agent_id: input.owner_agent_id }),
          },
        };
      },
    }),
    defineTool({
      ...shared,
      name: "task_get",
      description: "One task of the session.",
      schema: z.strictObject({ task_id: TaskId }),
      effect: "read",
      allowsParallel: true,
      execute: ({ task_id }, context) => shown(context, (tasks) => tasks.get(context.session_id, task_id)),
    }),
    defineTool({
      ...shared,
      name: "task_list",
      description: "The tasks of the session, commands in the background among them.",
      schema: z.strictObject({ status: TaskStatus.optional() }),
      effect: "read",
      allowsParallel: true,
      execute: ({ status }, context) => shown(context, (tasks) => tasks.list(context.session_id, status)),
    }),
    defineTool({
      ...shared,
      name: "task_output",
      description:
        "What a task has brought so far: of a command in the background what it wrote, stdout and stderr together. " +
        "That it can be read says nothing about how the command ended; the task does.",
      schema: OutputInput,
      effect: "read",
      timeoutMs: 120_000,
      allowsParallel: true,
      execute: ({ task_id, wait, timeout_ms, tail_bytes, full }, context) =>
        shown(context, (tasks) => {
          const options = {
            wait,
            timeoutMs: Math.min(timeout_ms, MAX_TASK_WAIT_MS),
            tailBytes: Math.min(tail_bytes, MAX_TAIL_BYTES),
            full,
          };
          return tasks.output(context.session_id, task_id, options, context.signal);
        }),
    }),
    defineTool({
      ...shared,
      name: "task_update",
      description:
        "Changes a task. A task begins or is completed only when those that block it are completed; completed needs output.",
      schema: UpdateInput,
      effect: "idempotent",
      allowsParallel: false,
      async execute({ task_id, ...update }): Promise<ToolOutcome> {
        return { kind: "task", change: { type: "update", task_id, ...given(update) } };
      },
    }),
    defineTool({
      ...shared,
      name: "task_stop",
      description:
        "Stops a task: a command in the background is ended with all it started, any other task is cancelled.",
      schema: z.strictObject({ task_id: TaskId, reason: z.string().max(2_000).optional() }),
      effect: "idempotent",
      allowsParallel: false,
      execute: ({ task_id, reason }, context) =>
        shown(context, (tasks) => tasks.stop(context.session_id, task_id, reason, context.signal)),
    }),
    defineTool({
      ...shared,
      name: "task_delete",
      description: "Takes a task off the list, and answers what it was like.",
      schema: z.strictObject({ task_id: TaskId }),
      effect: "idempotent",
      allowsParallel: false,
      async execute({ task_id }): Promise<ToolOutcome> {
        return { kind: "task", change: { type: "delete", task_id } };
      },
    }),
  ];
}

/** What was left out is not there, rather than undefined. */
function given(update: { [K in keyof TaskUpdate]?: TaskUpdate[K] | undefined }): TaskUpdate {
  return Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined)) as TaskUpdate;
}

/** A reading as a result; whose end the model sees here is no news to it any more. */
async function shown(
  { tasks }: ToolContext,
  look: (tasks: TaskPort) => Promise<TaskRead<object>>,
): Promise<ToolOutcome> {
  if (tasks === undefined) throw new ToolFailure("this daemon keeps no tasks");
  try {
    const { value, news } = await look(tasks);
    const output = value as Json;
    return news.length === 0
      ? success(output)
      : success(output, { state: { type: "tasks_told", task_ids: news } });
  } catch (error) {
    if (isProblem(error)) throw new ToolFailure(error.message);
    throw error;
  }
}
