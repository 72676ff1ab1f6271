import {
  DebugLevel,
  type HookSettings,
  LearningPolicy,
  PermissionMode,
  RunMemoryPolicy,
  type RuntimeConfigRevisionView,
  RuntimeSetting,
  SystemPromptSettings,
  ToolRuntimeLimits,
} from "@kheish/contract";
import { z } from "zod";
import { type StoredRecord, StoreError } from "../../../kernel/store.ts";
import { fieldErrors } from "../../field-errors.ts";
import { redactedHooks } from "./redact-hooks.ts";

/** Past revisions that are kept beside the current one (02-R6). */
export const HISTORY_LIMIT = 64;

/** Every setting that can be changed while the daemon runs. */
const Snapshot = z.object({
  /** Absent: the default that the inventory begins with. */
  default_route: z.object({ route_id: z.string(), provider: z.string(), model: z.string() }).optional(),
  permission_mode: PermissionMode.default("default"),
  system_prompt: SystemPromptSettings.default({}),
  // Checked when they were set: hooks that this build cannot read are the hook runner's to refuse.
  hooks: z.custom<HookSettings>().default({ hooks: {} }),
  debug_level: DebugLevel.default("off"),
  /** Absent: the default. */
  learning_policy: LearningPolicy.optional(),
  run_memory_policy: RunMemoryPolicy.prefault({}),
  tool_runtime_limits: ToolRuntimeLimits.prefault({}),
});
export type Snapshot = z.output<typeof Snapshot>;

/** A full snapshot and how it came about (02, RuntimeConfigRevisionView). */
const Revision = Snapshot.extend({
  /** That of the record; a store written before there were snapshots does not repeat it. */
  revision: z.int().positive().optional(),
  updated_at_ms: z.int(),
  source: z.enum(["runtime_api", "runtime_api_force", "serve"]).default("runtime_api"),
  setting: z.union([RuntimeSetting, z.literal("rollback")]).default("permission_mode"),
  rollback_of_revision: z.int().optional(),
  rolled_back_setting: RuntimeSetting.optional(),
  actor: z.string().optional(),
  request_id: z.string().optional(),
  reason: z.string().optional(),
  /** Past revisions that stood beside this one when it was the current one. */
  history_len: z.int().default(0),
});
export type Revision = z.output<typeof Revision> & { revision: number };

/** What a daemon has that was never told anything else. */
export const DEFAULTS: Snapshot = Snapshot.parse({});

export const DEFAULT_LEARNING_POLICY: LearningPolicy = LearningPolicy.parse({});

/** The names of the settings on the wire and where each stands in a snapshot. */
export const FIELD_OF = {
  model: "default_route",
  permission_mode: "permission_mode",
  system_prompt: "system_prompt",
  hooks: "hooks",
  debug_level: "debug_level",
  learning_policy: "learning_policy",
  run_memory_policy: "run_memory_policy",
  tool_runtime_limits: "tool_runtime_limits",
} as const satisfies Record<RuntimeSetting, keyof Snapshot>;

/** The settings of a revision, without how it came about. */
export function snapshotOf(revision: Snapshot): Snapshot {
  return Snapshot.parse(revision);
}

/** 02-R9: a document that contradicts itself or holds an invalid limit stops the start; it is never guessed at. */
export function readRevision({ id, revision, data }: StoredRecord): Revision {
  const parsed = Revision.safeParse(data);
  if (!parsed.success) {
    const [first] = fieldErrors(parsed.error);
    throw corrupt(id, `${first?.path ?? ""}: ${first?.message ?? "not a revision"}`);
  }
  return { ...parsed.data, revision: parsed.data.revision ?? revision };
}

/** The current revision has the number of its record, which the store counts. */
export function readCurrent(record: StoredRecord): Revision {
  const current = readRevision(record);
  if (current.revision !== record.revision) {
    throw corrupt(record.id, `it says revision ${current.revision} and is revision ${record.revision}`);
  }
  return current;
}

export function checkSequence(current: Revision, history: readonly Revision[]): void {
  const numbers = [...history.map(({ revision }) => revision), current.revision];
  const stray = numbers.findIndex((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0));
  if (stray !== -1) throw corrupt("history", `revision ${numbers[stray]} does not follow its predecessor`);
}

function corrupt(id: string, what: string): StoreError {
  return new StoreError("corrupt", `the stored runtime settings (${id}) cannot be used: ${what}`);
}

/** Hook bodies are redacted (02-R17). */
export function revisionView(revision: Revision): RuntimeConfigRevisionView {
  const { revision: number, updated_at_ms, source, setting, ...others } = revision;
  const { default_route: route, history_len: _length, hooks, ...rest } = others;
  return { revision: number, updated_at_ms, source, setting, ...rest, ...route, hooks: redactedHooks(hooks) };
}
