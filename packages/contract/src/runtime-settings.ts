import { z } from "zod";
import { HookSettings } from "./hooks.ts";
import { Millis } from "./json.ts";
import { QueryNumber } from "./pagination.ts";
import { LearningPolicy, RunMemoryPolicy } from "./policies.ts";
import { ToolRuntimeLimits } from "./tool-limits.ts";

export const PermissionMode = z.enum(["default", "acceptEdits", "bypassPermissions", "plan", "dontAsk"]);
export type PermissionMode = z.infer<typeof PermissionMode>;

export const DebugLevel = z.enum(["off", "on", "redacted", "full"]);
export type DebugLevel = z.infer<typeof DebugLevel>;

const MAX_PROMPT_CHARS = 262_144;
const text = z.string().regex(/\S/, "must not be blank; leave it out to unset it").max(MAX_PROMPT_CHARS);

/** What the daemon tells every model before the conversation; applies from the next model call on. */
export const SystemPromptSettings = z
  .strictObject({
    override_prompt: text.optional().describe("the whole system prompt; the other four do not apply"),
    custom_prompt: text.optional().describe("stands in the place of the built-in prompt"),
    append_prompt: text.optional().describe("follows the built-in or the custom prompt"),
    language: text.optional().describe("what answers are written in"),
    output_style: text.optional().describe("how answers are written"),
  })
  .meta({ id: "SystemPromptSettings" });
export type SystemPromptSettings = z.infer<typeof SystemPromptSettings>;

/** The same as callers send it: `null` is the same as leaving it out. */
export const SystemPromptInput = z
  .strictObject({
    override_prompt: text.nullish(),
    custom_prompt: text.nullish(),
    append_prompt: text.nullish(),
    language: text.nullish(),
    output_style: text.nullish(),
  })
  .meta({ id: "SystemPromptInput" });
export type SystemPromptInput = z.infer<typeof SystemPromptInput>;

/** The settings of which a revision is a snapshot; `rollback` can take back each of them. */
export const RuntimeSetting = z.enum([
  "model",
  "permission_mode",
  "system_prompt",
  "hooks",
  "debug_level",
  "learning_policy",
  "run_memory_policy",
  "tool_runtime_limits",
]);
export type RuntimeSetting = z.infer<typeof RuntimeSetting>;

const reason = z
  .string()
  .regex(/\S/, "must not be blank")
  .max(1_000)
  .nullish()
  .describe("kept on the revision");
const expected_revision = z.int().nonnegative().nullish().describe("refuse unless this is the revision now");
const change = { expected_revision, reason };
const skip_hooks = z.boolean().nullish().describe("do not ask the config_change hooks");

/** What PUT and PATCH take beside their body: the revision comes as `If-Match`. */
export const ChangeQuery = z.object({ reason: z.string().max(1_000).optional() });

export const ModelSelection = z
  .strictObject({
    provider: z.string().min(1).nullish().describe("a route id"),
    model: z.string().min(1).describe("`<model>` or `<route_id>/<model>`"),
  })
  .meta({ id: "ModelSelection" });
export const SetModelRequest = ModelSelection.extend(change).meta({ id: "SetModelRequest" });
export const PermissionModeSetting = z.strictObject({ mode: PermissionMode });
export const SetPermissionModeRequest = PermissionModeSetting.extend(change).meta({
  id: "SetPermissionModeRequest",
});
export const SetSystemPromptRequest = z
  .strictObject({ settings: SystemPromptInput, ...change })
  .meta({ id: "SetSystemPromptRequest" });
export const DebugLevelSetting = z.strictObject({ level: DebugLevel });
export const SetDebugLevelRequest = DebugLevelSetting.extend(change).meta({ id: "SetDebugLevelRequest" });

/**
 * The bodies of the policies come wrapped or, from older clients, flat (02-R10), and what is wrong in them has codes of
 * its own: so their content is checked by the service and stands here for the reader.
 */
const content = (schema: string) => z.json().optional().describe(`a ${schema}`);
export const SetHooksRequest = z
  .looseObject({ settings: content("HookSettings"), skip_hooks, ...change })
  .meta({ id: "SetHooksRequest" });
export const SetPolicyRequest = z
  .looseObject({ policy: content("LearningPolicy or RunMemoryPolicy"), ...change })
  .meta({ id: "SetPolicyRequest" });
export const SetToolLimitsRequest = z
  .looseObject({ limits: content("ToolRuntimeLimits"), ...change })
  .meta({ id: "SetToolLimitsRequest" });

export const RollbackRequest = z
  .strictObject({
    target_revision: z.int().nullish().describe("the newest one that differs, when left out"),
    setting: RuntimeSetting.nullish().describe("take back this one setting only"),
    skip_hooks,
    ...change,
  })
  .meta({ id: "RollbackRequest" });

export const RuntimeConfigMetadataView = z
  .object({
    revision: z.int().describe("0 = nothing persisted yet"),
    updated_at_ms: Millis.optional(),
    persisted: z.boolean(),
    history_len: z.int(),
    history_limit: z.int(),
    store_path: z.string().optional(),
  })
  .meta({ id: "RuntimeConfigMetadataView" });

/** A full snapshot, not a delta; hook bodies are redacted (02-R17). */
export const RuntimeConfigRevisionView = z
  .object({
    revision: z.int(),
    updated_at_ms: Millis,
    source: z.enum(["runtime_api", "runtime_api_force", "serve"]).describe("serve: a flag at start"),
    setting: z.union([RuntimeSetting, z.literal("rollback")]),
    rollback_of_revision: z.int().optional(),
    rolled_back_setting: RuntimeSetting.optional().describe("absent: all of them"),
    actor: z.string().optional().describe("the principal who made the change"),
    request_id: z.string().optional(),
    reason: z.string().optional(),
    route_id: z.string().optional(),
    provider: z.string().optional(),
    model: z.string().optional(),
    permission_mode: PermissionMode,
    system_prompt: SystemPromptSettings,
    hooks: HookSettings,
    debug_level: DebugLevel,
    learning_policy: LearningPolicy.optional().describe("absent = the default"),
    run_memory_policy: RunMemoryPolicy,
    tool_runtime_limits: ToolRuntimeLimits,
  })
  .meta({ id: "RuntimeConfigRevisionView" });
export type RuntimeConfigRevisionView = z.infer<typeof RuntimeConfigRevisionView>;

export const RuntimeRevisionList = z
  .object({ revisions: z.array(RuntimeConfigRevisionView) })
  .meta({ id: "RuntimeRevisionList" });
export type RuntimeRevisionList = z.infer<typeof RuntimeRevisionList>;

export const DiffQuery = z.object({
  against: QueryNumber.optional().describe("the revision to compare with; the one before, when left out"),
});

export const RuntimeRevisionDiff = z
  .object({
    revision: z.int(),
    against: z.int().describe("0 = the defaults that a new daemon has"),
    changes: z.array(
      z.object({
        setting: RuntimeSetting,
        path: z.string().describe("JSON Pointer into the setting"),
        before: z.json().optional().describe("absent = not set"),
        after: z.json().optional().describe("absent = not set any more"),
      }),
    ),
  })
  .meta({ id: "RuntimeRevisionDiff" });
export type RuntimeRevisionDiff = z.infer<typeof RuntimeRevisionDiff>;
