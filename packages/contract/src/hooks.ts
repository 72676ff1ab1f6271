import { z } from "zod";
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

const timeout_ms = z.int().positive().optional();
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
        mode: z.enum(["open", "closed"]).default("open"),
        max_retries: z.int().min(0).max(3).default(0),
      })
      .default({ mode: "open", max_retries: 0 }),
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
