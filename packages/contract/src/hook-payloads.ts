import { z } from "zod";
import type { HookEvent } from "./hooks.ts";
import { Json } from "./json.ts";
import { UserQuestion, UserQuestionResolution } from "./questions.ts";

const call = { tool_name: z.string(), tool_call_id: z.string(), input: Json };
const result = { ...call, output: Json };
const verdict = {
  ...call,
  permission_mode: z.string(),
  scope: z.string().describe("of the rule that decided"),
  reason: z.string(),
};
const compaction = {
  trigger: z.enum(["auto", "forced"]),
  strategy: z.enum(["session_memory", "model_driven"]),
  messages_removed: z.int(),
  pre_tokens: z.int(),
};
const agent = {
  agent_id: z.string(),
  session_id: z.string(),
  agent_type: z.string().optional(),
  team_name: z.string().optional(),
};
const task = { task_id: z.string(), title: z.string(), owner_agent_id: z.string().optional() };
const worktree = { path: z.string(), agent_id: z.string() };

/** The payload of each event: what a hook reads beside the fields that every call has. */
export const HookPayloads = {
  pre_tool_use: z.object(call),
  post_tool_use: z.object({ ...result, is_error: z.literal(false) }),
  post_tool_use_failure: z.object({ ...result, is_error: z.literal(true) }),
  permission_request: z.object(verdict),
  permission_denied: z.object(verdict),
  setup: z.object({ workspace_root: z.string() }),
  session_start: z.object({ source: z.enum(["startup", "resume"]) }),
  session_end: z.object({ reason: z.string().optional() }),
  stop: z.object({
    last_assistant_message: z.string(),
    stop_hook_active: z.boolean().describe("a stop hook has already kept this run from ending"),
  }),
  stop_failure: z.object({ error: z.string(), error_code: z.string().optional() }),
  user_prompt_submit: z.object({ prompt: z.string() }),
  pre_compact: z.object(compaction),
  post_compact: z.object({ ...compaction, post_tokens: z.int() }),
  subagent_start: z.object(agent),
  subagent_stop: z.object({ ...agent, status: z.string() }),
  teammate_idle: z.object({ agent_id: z.string(), team_name: z.string() }),
  task_created: z.object(task),
  task_completed: z.object({ ...task, status: z.string(), output: Json.optional() }),
  elicitation: z.object({ tool_call_id: z.string(), questions: z.array(UserQuestion) }),
  elicitation_result: z.object({ tool_call_id: z.string(), resolution: UserQuestionResolution }),
  config_change: z.object({
    setting: z.string(),
    source: z.string(),
    actor: z.string(),
    revision: z.int().describe("the one that the change would make"),
    changes: z.array(
      z.object({
        setting: z.string(),
        path: z.string().describe("JSON Pointer into the setting"),
        before: Json.optional(),
        after: Json.optional(),
      }),
    ),
  }),
  worktree_create: z.object(worktree),
  worktree_remove: z.object(worktree),
  file_changed: z.object({
    path: z.string(),
    tool_name: z.string().optional().describe("the call that wrote it, where a tool of the session did"),
    tool_call_id: z.string().optional(),
    change: z.enum(["created", "modified", "deleted"]).optional().describe("of a path in `watch_paths`"),
  }),
  instructions_loaded: z.object({ path: z.string(), bytes: z.int() }),
  notification: z.object({
    kind: z.enum(["approval_requested", "question_asked"]),
    request_ids: z.array(z.string()),
  }),
  cwd_changed: z.object({ from: z.string(), to: z.string() }),
} as const satisfies Record<HookEvent, z.ZodType>;

export type HookPayload<E extends HookEvent> = z.input<(typeof HookPayloads)[E]>;
