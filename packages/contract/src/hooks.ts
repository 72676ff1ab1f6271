import { z } from "zod";
import { Json, Millis } from "./json.ts";
import { ModelGenerationConfig } from "./runs.ts";

/** What a hook can be called at (03, Hook events). */
export const HookEvent = z.enum([
  "pre_tool_use",
  "post_tool_use",
  "post_tool_use_failure",
  "permission_request",
  "permission_denied",
  "setup",
  "session_start",
  "session_end",
  "stop",
  "stop_failure",
  "user_prompt_submit",
  "pre_compact",
  "post_compact",
  "subagent_start",
  "subagent_stop",
  "teammate_idle",
  "task_created",
  "task_completed",
  "elicitation",
  "elicitation_result",
  "config_change",
  "worktree_create",
  "worktree_remove",
  "file_changed",
  "instructions_loaded",
  "notification",
  "cwd_changed",
]);
export type HookEvent = z.infer<typeof HookEvent>;

/** Another model than the default one, for a hook or a judge; `provider` is a route id. */
export const ModelOverride = z
  .strictObject({ provider: z.string().min(1).optional(), generation: ModelGenerationConfig.optional() })
  .meta({ id: "ModelOverride" });

/** 03, Limits and defaults. */
export const MAX_HOOK_TIMEOUT_MS = 30_000;
/** The version of what hooks are told and what they answer. */
export const HOOK_CONTRACT_VERSION = 1;
/** Error code of a run that a hook did not let go on. */
export const HOOK_BLOCKED = "hook_blocked";

const timeout_ms = z.int().positive().max(MAX_HOOK_TIMEOUT_MS).optional();
const notBlank = z.string().regex(/\S/, "must not be blank");

export const HookExecutor = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("command"),
      command: notBlank,
      shell: notBlank.optional().describe("/bin/bash unless said otherwise"),
      timeout_ms,
    }),
    z.strictObject({ type: z.literal("http"), url: notBlank, timeout_ms }),
    z.strictObject({
      type: z.literal("prompt"),
      template: notBlank,
      system_prompt: z.string().optional(),
      model: ModelOverride.optional(),
      timeout_ms,
    }),
    z.strictObject({
      type: z.literal("agent"),
      template: notBlank,
      system_prompt: z.string().optional(),
      model: ModelOverride.optional(),
      tool_surface: z
        .strictObject({
          allowlist: z.array(notBlank).min(1, "a tool surface needs an allowlist"),
          denylist: z.array(notBlank).default([]),
        })
        .optional()
        .describe("without one the agent has no tools"),
      max_turns: z.int().positive().optional().describe("4 unless said otherwise"),
      timeout_ms,
    }),
    z.strictObject({ type: z.literal("callback"), name: notBlank, timeout_ms }),
  ])
  .meta({ id: "HookExecutor" });
export type HookExecutor = z.output<typeof HookExecutor>;

export const HookDefinition = z
  .strictObject({
    name: notBlank,
    matcher: z.string().optional().describe("glob over the whole subject: `*` any run, `?` one character"),
    failure_policy: z
      .strictObject({
        mode: z
          .enum(["open", "closed"])
          .optional()
          .describe("left out: closed for the events that guard, open for the others (03-A3)"),
        max_retries: z.int().min(0).max(3).default(0),
      })
      .default({ max_retries: 0 }),
    executor: HookExecutor,
  })
  .meta({ id: "HookDefinition" });
export type HookDefinition = z.output<typeof HookDefinition>;

/** Hooks by the event they are called at, in the order they are called (03, HookSettings). */
export const HookSettings = z
  .strictObject({
    schema_version: z.literal(1).optional(),
    hooks: z.partialRecord(HookEvent, z.array(HookDefinition)).default({}),
  })
  .meta({ id: "HookSettings" });
export type HookSettings = z.output<typeof HookSettings>;

/** What a hook is told (03, Hook input). */
export const HookInput = z
  .object({
    event: HookEvent,
    subject: z.string().optional().describe("what matchers are held against: the tool, the path, ..."),
    session_id: z.string().optional(),
    agent_id: z.string().optional(),
    run_id: z.string().optional(),
    payload: Json.optional(),
    contract_version: z.literal(HOOK_CONTRACT_VERSION),
    invocation_key: z.string().describe("the same for every attempt, also after a restart"),
  })
  .meta({ id: "HookInput" });
export type HookInput = z.infer<typeof HookInput>;

/** A rule that a hook adds to its session (03-R25). */
export const PermissionUpdate = z
  .object({
    scope: z.enum(["user", "project", "session"]),
    tool_name_pattern: z
      .string()
      .regex(/^[^*]*\*?$/, "a name, `prefix*` or `*`")
      .min(1),
    behavior: z.enum(["allow", "deny", "ask"]),
    reason: z.string().max(1_000).optional(),
  })
  .meta({ id: "PermissionUpdate" });
export type PermissionUpdate = z.infer<typeof PermissionUpdate>;

/** What a hook answers, and what the answers of several come to (03, Hook outcome). What is left out has no say. */
export const HookOutcome = z
  .object({
    contract_version: z.int().min(0).max(HOOK_CONTRACT_VERSION).optional(),
    continue_execution: z.boolean().optional().describe("true unless said otherwise"),
    stop_reason: z.string().optional(),
    decision: z.enum(["approve", "block"]).optional(),
    permission: z.enum(["allow", "deny", "ask"]).optional(),
    updated_input: Json.optional(),
    updated_output: Json.optional(),
    updated_permissions: z.array(PermissionUpdate).optional(),
    additional_contexts: z.array(z.string()).optional(),
    initial_user_message: z.string().optional(),
    watch_paths: z.array(z.string()).optional(),
    retry: z.boolean().optional(),
    matched_hooks: z.array(z.string()).optional().describe("filled by the daemon"),
  })
  .meta({ id: "HookOutcome" });
export type HookOutcome = z.infer<typeof HookOutcome>;

/** A hook that could not be called (03, HookDeadLetter). Holds no command, no whole URL and no payload. */
export const HookDeadLetter = z
  .object({
    id: z.string(),
    at_ms: Millis,
    hook_name: z.string(),
    event: HookEvent,
    subject: z.string().optional(),
    session_id: z.string().optional(),
    run_id: z.string().optional(),
    target: z.string(),
    attempt_count: z.int(),
    failure_mode: z.enum(["open", "closed"]),
    contract_version: z.int(),
    invocation_digest: z.string(),
    definition_digest: z.string(),
    error: z.string(),
    resolved_at_ms: Millis.optional(),
    resolution_reason: z.string().optional(),
  })
  .meta({ id: "HookDeadLetter" });
export type HookDeadLetter = z.infer<typeof HookDeadLetter>;

export const ResolveHookDeadLetterRequest = z
  .strictObject({ reason: z.string().regex(/\S/, "must not be blank").max(1_000).nullish() })
  .meta({ id: "ResolveHookDeadLetterRequest" });

/** `status.hooks`. The three counts of executions are since the daemon's start, those of dead letters are stored. */
export const HooksStatus = z
  .looseObject({
    configured_count: z.int(),
    enabled: z.boolean().describe("false: the stored hooks cannot be read by this build (03-R55)"),
    execution_count: z.int(),
    failure_count: z.int(),
    retry_count: z.int(),
    dead_letter_persist_failure_count: z.int(),
    dead_lettered_count: z.int(),
    unresolved_dead_lettered_count: z.int(),
    last_dead_letter_at_ms: Millis.optional(),
    last_dead_letter_hook: z.string().optional(),
    last_unresolved_dead_letter_at_ms: Millis.optional(),
    last_unresolved_dead_letter_hook: z.string().optional(),
  })
  .meta({ id: "HooksStatus" });
export type HooksStatus = z.infer<typeof HooksStatus>;
