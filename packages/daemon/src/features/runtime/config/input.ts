import {
  HookSettings,
  type Json,
  type JsonObject,
  LearningPolicy,
  type Problem,
  parseSent,
  problem,
  RunMemoryPolicy,
  SystemPromptInput,
  type SystemPromptSettings,
  ToolRuntimeLimits,
} from "@kheish/contract";
import type { z } from "zod";
import { refusedTarget } from "../../../governance/hooks/target.ts";
import { fieldErrors, pointer } from "../../field-errors.ts";

/** The settings that are documents, each with the word for it and the code of what is wrong with it. */
const DOCUMENTS = {
  learning_policy: { noun: "learning policy", wrapper: "policy", code: "invalid_learning_policy" },
  run_memory_policy: { noun: "run-memory policy", wrapper: "policy", code: "invalid_run_memory_policy" },
  tool_runtime_limits: { noun: "tool limits", wrapper: "limits", code: "invalid_tool_runtime_limits" },
  hooks: { noun: "hook settings", wrapper: "settings", code: "invalid_hook_settings" },
} as const;
type Document = keyof typeof DOCUMENTS;

const SCHEMAS = {
  learning_policy: LearningPolicy,
  run_memory_policy: RunMemoryPolicy,
  tool_runtime_limits: ToolRuntimeLimits,
  hooks: HookSettings,
} as const;

/** Older clients send these three flat (02-R10). */
const FLAT_FIELDS = {
  learning_policy: Object.keys(LearningPolicy.shape),
  run_memory_policy: Object.keys(RunMemoryPolicy.shape),
  hooks: Object.keys(HookSettings.shape),
  tool_runtime_limits: [],
} as const;

/**
 * The document in a body, wrapped or flat (02-R10). A body from which no field of it speaks is refused:
 * an accident never resets a policy.
 */
export function documentIn(setting: Document, body: Readonly<Record<string, unknown>>): JsonObject {
  const { noun, wrapper, code } = DOCUMENTS[setting];
  const rest: Record<string, unknown> = { ...body };
  for (const name of ["expected_revision", "reason", ...(setting === "hooks" ? ["skip_hooks"] : [])]) {
    delete rest[name];
  }
  const wrapped = rest[wrapper];
  if (wrapper in rest) {
    const [stray] = Object.keys(rest).filter((name) => name !== wrapper);
    if (stray !== undefined)
      throw refused(code, noun, [{ path: pointer([stray]), message: "unknown field" }]);
    if (wrapped !== null && typeof wrapped === "object" && !Array.isArray(wrapped)) {
      return wrapped as JsonObject;
    }
    throw refused(code, noun, [{ path: pointer([wrapper]), message: "must be an object" }]);
  }
  const known: readonly string[] = FLAT_FIELDS[setting];
  if (Object.keys(rest).some((name) => known.includes(name))) return rest as JsonObject;
  const flat = known.length === 0 ? "" : ` or, flat, at least one of ${known.join(", ")}`;
  throw problem("runtime", code, `the body holds no ${noun}: send {"${wrapper}": {...}}${flat}`);
}

/** A document of a caller, whole and valid, or a problem that names each offending field (02-R11 to R14). */
export function checked<D extends Document>(setting: D, value: Json): z.output<(typeof SCHEMAS)[D]> {
  const { noun, code } = DOCUMENTS[setting];
  const schema: z.ZodType = SCHEMAS[setting];
  const parsed = parseSent(schema, value);
  if (!parsed.success) throw refused(code, noun, fieldErrors(parsed.error));
  const document = parsed.data as z.output<(typeof SCHEMAS)[D]>;
  if (setting === "hooks") checkTargets(document as HookSettings);
  return document;
}

function checkTargets({ hooks }: HookSettings): void {
  const errors = Object.entries(hooks).flatMap(([event, list]) =>
    list.flatMap(({ executor }, index) => {
      const message = executor.type === "http" ? refusedTarget(executor.url) : undefined;
      const path = pointer(["hooks", event, index, "executor", "url"]);
      return message === undefined ? [] : [{ path, message }];
    }),
  );
  if (errors.length > 0) throw refused("invalid_hook_settings", DOCUMENTS.hooks.noun, errors);
}

/** `null` unsets a part. */
export function systemPromptFrom(value: SystemPromptInput): SystemPromptSettings {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part != null));
}

/** The system prompt after a PATCH. */
export function checkedSystemPrompt(value: Json): SystemPromptSettings {
  const parsed = SystemPromptInput.safeParse(value);
  if (parsed.success) return systemPromptFrom(parsed.data);
  throw refused("runtime_validation_failed", "system prompt", fieldErrors(parsed.error));
}

function refused(
  code: Parameters<typeof problem<"runtime">>[1],
  noun: string,
  errors: { path: string; message: string }[],
): Problem {
  const [first] = errors;
  const where = first === undefined ? "" : `: ${first.path || "/"}: ${first.message}`;
  return problem("runtime", code, `the ${noun} cannot be used${where}`, { errors: errors.slice(0, 50) });
}

/** RFC 7396. */
export function merged(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
