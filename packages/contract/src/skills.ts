import { z } from "zod";
import { Millis } from "./json.ts";
import { readByService } from "./pagination.ts";

/** Schemas that stand in many others have names, lest the types of the endpoint table become too long to write down. */
type SchemaOf<S extends object> = S;

/** What one skill may be, wherever it comes from. */
export const SKILL_LIMITS = {
  name_chars: 128,
  description_chars: 1_024,
  instructions_bytes: 64 * 1_024,
  files: 256,
  total_bytes: 8 * 1_024 * 1_024,
  /** Of one that is added at run time: it stands in the store. */
  added_bytes: 512 * 1_024,
  args_chars: 16_384,
  /** At a time, in one session. */
  active: 8,
} as const;

/** A skill's name: it stands in paths and in capability scopes, where `*` means every one. */
export const SkillName = z
  .string()
  .max(SKILL_LIMITS.name_chars)
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ._:@+-]*[\p{L}\p{N}+])?$/u,
    "must be letters, digits, spaces and ._:@+- between letters or digits",
  );

/**
 * Where a skill was found. Of two with one name the first in this order is used: an operator's own before what stands
 * in a repository or a home, and those that come with the daemon last.
 */
export const SkillScope = z.enum(["explicit", "runtime", "repo", "user", "built_in"]);
export type SkillScope = z.infer<typeof SkillScope>;

export const SkillContext = z.enum(["inline", "fork"]);
export type SkillContext = z.infer<typeof SkillContext>;

const toolNames = z
  .array(z.string().trim().min(1).max(256))
  .max(256)
  .describe("exact names; a '*' at the end stands for any rest");

/** How a skill runs: `agents/kheish.yaml` of its folder (03, Skill). */
export const SkillRuntime = z
  .object({
    allowed_tools: toolNames,
    blocked_tools: toolNames,
    context: SkillContext,
    agent_profile: z.string().optional(),
    provider: z.string().optional().describe("a route id"),
    model: z.string().optional(),
    fallback_model: z.string().optional(),
  })
  .meta({ id: "SkillRuntime" });
export type SkillRuntime = z.infer<typeof SkillRuntime>;

const summary = {
  name: z.string(),
  description: z.string(),
  when_to_use: z.string().optional(),
  version: z.string().optional(),
  license: z.string().optional(),
  compatibility: z.string().optional(),
  skill_path: z.string().describe("its folder; 'kheish://skills/{name}' for one that was added at run time"),
  skill_root: z.string(),
  scope: SkillScope,
  digest: z
    .string()
    .describe("hex SHA-256 over the names and bytes of all of its files: the same on every machine"),
  runtime: SkillRuntime,
};

const skillSummary = z.object(summary).meta({ id: "SkillSummary" });
export interface SkillSummarySchema extends SchemaOf<typeof skillSummary> {}
export const SkillSummary: SkillSummarySchema = skillSummary;
export type SkillSummary = z.infer<typeof SkillSummary>;

export const SkillFile = z
  .object({ path: z.string().describe("relative, with '/'"), size_bytes: z.int(), sha256: z.string() })
  .meta({ id: "SkillFile" });
export type SkillFile = z.infer<typeof SkillFile>;

const skillView = z
  .object({
    ...summary,
    instructions: z.string(),
    metadata: z.record(z.string(), z.string()).optional(),
    files: z.array(SkillFile).describe("of its folder, SKILL.md included"),
    revision: z.int().optional().describe("of one that was added at run time, like the next two"),
    added_at_ms: Millis.optional(),
    added_by: z.string().optional(),
  })
  .meta({ id: "SkillView" });
export interface SkillViewSchema extends SchemaOf<typeof skillView> {}
export const SkillView: SkillViewSchema = skillView;
export type SkillView = z.infer<typeof SkillView>;

/** As one session sees it. */
const sessionSkill = z
  .object({ ...summary, active: z.boolean().describe("in this session now") })
  .meta({ id: "SessionSkillSummary" });
export interface SessionSkillSummarySchema extends SchemaOf<typeof sessionSkill> {}
export const SessionSkillSummary: SessionSkillSummarySchema = sessionSkill;
export type SessionSkillSummary = z.infer<typeof SessionSkillSummary>;

const active = {
  name: z.string(),
  description: z.string(),
  when_to_use: z.string().optional(),
  version: z.string().optional(),
  skill_path: z.string(),
  skill_root: z.string(),
  digest: z.string(),
  context: SkillContext,
  allowed_tools: z.array(z.string()),
  blocked_tools: z.array(z.string()),
  activation_reason: z.string().optional(),
  activated_by: z.enum(["operator", "agent"]).describe("the agent may end what it began, and nothing else"),
  activated_at_ms: Millis,
};

/** A skill that is active in a session, as it was when that began; later changes of the skill do not reach it. */
const activeSkill = z.object(active).meta({ id: "ActiveSkill" });
export interface ActiveSkillSchema extends SchemaOf<typeof activeSkill> {}
export const ActiveSkill: ActiveSkillSchema = activeSkill;
export type ActiveSkill = z.infer<typeof ActiveSkill>;

/** 03, ActiveSkillSnapshot. */
const activeSnapshot = z
  .object({ ...active, args: z.string().optional(), instructions: z.string() })
  .meta({ id: "ActiveSkillSnapshot" });
export interface ActiveSkillSnapshotSchema extends SchemaOf<typeof activeSnapshot> {}
export const ActiveSkillSnapshot: ActiveSkillSnapshotSchema = activeSnapshot;
export type ActiveSkillSnapshot = z.infer<typeof ActiveSkillSnapshot>;

const reason = z.string().trim().min(1).max(1_000).optional();

export const ActivateSkillRequest = z
  .strictObject({
    args: z
      .string()
      .max(SKILL_LIMITS.args_chars)
      .optional()
      .describe("data for the skill; never taken for instructions"),
    reason,
  })
  .meta({ id: "ActivateSkillRequest" });
export type ActivateSkillRequest = z.infer<typeof ActivateSkillRequest>;

/** `content` is text, `content_base64` anything. */
export const SkillFileInput = z
  .strictObject({
    path: z.string().min(1).max(512).describe("relative, with '/'"),
    content: z.string().optional(),
    content_base64: z.base64().optional(),
  })
  .refine(({ content, content_base64 }) => (content === undefined) !== (content_base64 === undefined), {
    path: ["content"],
    error: "give 'content' or 'content_base64', once",
  })
  .meta({ id: "SkillFileInput" });
export type SkillFileInput = z.infer<typeof SkillFileInput>;

const line = z.string().trim().min(1);
const runtimeFields = {
  allowed_tools: toolNames.optional(),
  blocked_tools: toolNames.optional(),
  context: SkillContext.optional(),
  agent_profile: line.max(128).optional(),
  provider: line.max(128).optional(),
  model: line.max(256).optional(),
  fallback_model: line.max(256).optional(),
};

const skillFields = {
  description: line.max(SKILL_LIMITS.description_chars).optional(),
  when_to_use: line.max(SKILL_LIMITS.description_chars).optional(),
  version: line.max(64).optional(),
  instructions: z.string().min(1).optional(),
  ...runtimeFields,
  runtime: z.strictObject(runtimeFields).optional().describe("the seven above, together"),
  files: z
    .array(SkillFileInput)
    .max(SKILL_LIMITS.files)
    .optional()
    .describe("other files of its folder; or, with SKILL.md among them and no 'instructions', all of it"),
  reason,
};

type SkillFields = z.infer<z.ZodObject<typeof skillFields>>;

/** Either a whole folder or the fields that its two described files are written from. */
function checkSkillFields(fields: SkillFields, context: z.RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const isFolder = fields.files?.some(({ path }) => path === "SKILL.md") === true;
  if (isFolder === (fields.instructions !== undefined))
    refuse("instructions", "give 'instructions', or a SKILL.md among 'files'");
  for (const name of Object.keys(runtimeFields) as (keyof typeof runtimeFields)[])
    if (fields[name] !== undefined && fields.runtime !== undefined)
      refuse(name, "give it inside of 'runtime' or beside it, not both");
  if (!isFolder) return;
  for (const name of ["description", "when_to_use", "version", "runtime", ...Object.keys(runtimeFields)])
    if (fields[name as keyof SkillFields] !== undefined)
      refuse(name, "stands in the files, where SKILL.md is one of them");
}

/** The first of these rules, for the OpenAPI document. */
const oneSource = [
  { required: ["instructions"] },
  {
    required: ["files"],
    properties: { files: { contains: { required: ["path"], properties: { path: { const: "SKILL.md" } } } } },
  },
];

const addSkillRequest = z
  .strictObject({
    name: SkillName.optional().describe("default: what SKILL.md says"),
    ...skillFields,
  })
  .superRefine(checkSkillFields)
  .meta({ id: "AddSkillRequest", oneOf: oneSource });
export interface AddSkillRequestSchema extends SchemaOf<typeof addSkillRequest> {}
export const AddSkillRequest: AddSkillRequestSchema = addSkillRequest;
export type AddSkillRequest = z.infer<typeof AddSkillRequest>;

const setSkillRequest = z
  .strictObject({
    ...skillFields,
    expected_revision: z.int().nonnegative().optional().describe("0: it is not there yet"),
  })
  .superRefine(checkSkillFields)
  .meta({ id: "SetSkillRequest", oneOf: oneSource });
export interface SetSkillRequestSchema extends SchemaOf<typeof setSkillRequest> {}
export const SetSkillRequest: SetSkillRequestSchema = setSkillRequest;
export type SetSkillRequest = z.infer<typeof SetSkillRequest>;

export const RemovedSkill = z
  .object({
    name: z.string(),
    digest: z.string(),
    uncovered: SkillScope.optional().describe("where a skill of that name is found from now on"),
  })
  .meta({ id: "RemovedSkill" });
export type RemovedSkill = z.infer<typeof RemovedSkill>;

export const SkillRootView = z
  .object({
    path: z.string(),
    scope: SkillScope,
    skills: z.int().nonnegative().describe("found in it, those that others cover included"),
  })
  .meta({ id: "SkillRootView" });
export type SkillRootView = z.infer<typeof SkillRootView>;

/** `runtime.skills`: where this daemon looks for skills, and what it could not use. */
const runtimeSkillSnapshot = z
  .object({
    roots: z.array(SkillRootView).describe("in their order"),
    count: z.int().nonnegative(),
    warnings: z.array(z.string()).describe("what was left out, and why"),
    lock: z
      .object({ path: z.string(), signed_by: z.array(z.string()) })
      .optional()
      .describe("the lock file that skills have to match, with the keys whose signatures it bears"),
  })
  .meta({ id: "RuntimeSkillSnapshot" });
export interface RuntimeSkillSnapshotSchema extends SchemaOf<typeof runtimeSkillSnapshot> {}
export const RuntimeSkillSnapshot: RuntimeSkillSnapshotSchema = runtimeSkillSnapshot;
export type RuntimeSkillSnapshot = z.infer<typeof RuntimeSkillSnapshot>;

const skillReloadResult = z
  .object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
    skills: RuntimeSkillSnapshot,
  })
  .meta({ id: "SkillReloadResult" });
export interface SkillReloadResultSchema extends SchemaOf<typeof skillReloadResult> {}
export const SkillReloadResult: SkillReloadResultSchema = skillReloadResult;
export type SkillReloadResult = z.infer<typeof SkillReloadResult>;

export const SkillListQuery = z.object({
  query: z.string().optional().describe("words that its name, description or use has"),
});
export const SessionSkillListQuery = SkillListQuery.extend({
  limit: readByService("^(0{0,2}[1-9]|0?([1-4][0-9]|50))$").optional().describe("1 to 50; absent: all"),
});

/** What pins skills to their bytes: written by `kheish skills lock`, held to by `serve --skill-lock`. */
export const SkillLock = z
  .strictObject({
    version: z.literal(1),
    skills: z.array(z.strictObject({ name: SkillName, digest: z.string().regex(/^[0-9a-f]{64}$/) })),
    signatures: z
      .array(
        z.strictObject({
          algorithm: z.literal("ed25519"),
          key_id: z
            .string()
            .regex(/^[0-9a-f]{16}$/)
            .describe("of the SHA-256 of the public key"),
          signature: z.base64(),
        }),
      )
      .optional()
      .describe("each over the canonical JSON of `{version, skills}`"),
  })
  .meta({ id: "SkillLock" });
export type SkillLock = z.infer<typeof SkillLock>;
