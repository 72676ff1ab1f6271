import { type Json, SKILL_LIMITS, SkillName } from "@kheish/contract";
import { z } from "zod";
import type { Tool, ToolBoundary, ToolContext } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { ToolFailure } from "../failure.ts";
import { failure, success } from "../outcome.ts";
import { toActivate, whyNotInline } from "./activation.ts";
import type { SkillLibrary } from "./library.ts";
import { type Skill, SkillChanged } from "./skill.ts";

const MAX_FILE_CHARS = 131_072;

const name = z.string().trim().min(1).max(SKILL_LIMITS.name_chars).describe("The skill's name.");

const UseSkillInput = z.strictObject({
  name,
  args: z
    .string()
    .max(SKILL_LIMITS.args_chars)
    .optional()
    .describe("What it is to work on. It reads this as data, not as instructions."),
  context: z.enum(["inline", "fork"]).optional().describe("Default: as the skill says."),
  reason: z.string().trim().max(1_000).optional().describe("Why, in a sentence."),
  wait: z.boolean().default(true).describe("Of a fork: wait for its end."),
  timeout_ms: z.int().positive().max(90_000).default(60_000).describe("Of a fork that is waited for."),
});

const shared = { sandbox: "inherited", timeoutMs: 10_000 } as const;

/** What a model may do with skills. What is active is the engine's to keep: a tool only says what is wanted. */
export function skillTools(library: SkillLibrary): Tool[] {
  const known = (wanted: string, { capability_scope: scope }: ToolContext): Skill => {
    const skill = library.get(wanted, scope);
    if (skill === undefined)
      throw new ToolFailure(`there is no skill '${wanted}': list_skills has their names`, {
        code: "skill_not_found",
      });
    return skill;
  };
  return [
    defineTool({
      ...shared,
      name: "list_skills",
      description: "The skills that there are: instructions for kinds of work, to be had with use_skill.",
      schema: z.strictObject({
        query: z.string().max(1_000).optional().describe("Words that name, description or use have."),
      }),
      effect: "read",
      allowsParallel: true,
      boundary: "internal",
      async execute({ query }, { capability_scope: scope }) {
        const skills = library.search(query, scope).map(told);
        return success({ skills, count: skills.length });
      },
    }),
    defineTool({
      ...shared,
      timeoutMs: 120_000,
      name: "use_skill",
      description:
        "Makes a skill active and gives you its instructions. While it is active you have only the tools that it leaves you.",
      schema: UseSkillInput,
      effect: "idempotent",
      allowsParallel: false,
      boundary: "internal",
      async execute({ name: wanted, args, context, reason: why }, call) {
        const skill = known(wanted, call);
        const no =
          context === "fork" && skill.runtime.context === "inline"
            ? `skill '${skill.name}' cannot run as a fork: this daemon starts no agents yet; use it inline`
            : whyNotInline(skill);
        if (no !== undefined) return failure(no, { code: "skill_not_inline" });
        return {
          kind: "skill",
          change: {
            type: "activate",
            skill: toActivate(skill),
            ...(args === undefined ? {} : { args }),
            ...(why === undefined || why === "" ? {} : { reason: why }),
          },
        };
      },
    }),
    defineTool({
      ...shared,
      name: "end_skill",
      description:
        "Ends a skill that you made active, once its work is done: the tools that it took away are there again.",
      schema: z.strictObject({ name }),
      effect: "idempotent",
      allowsParallel: false,
      boundary: "internal",
      async execute({ name: wanted }) {
        return { kind: "skill", change: { type: "deactivate", name: wanted } };
      },
    }),
    defineTool({
      ...shared,
      name: "read_skill_file",
      description: "Reads a text file that a skill brings along, such as a template or a reference.",
      schema: z.strictObject({
        name,
        path: z.string().min(1).max(512).describe("Relative to the skill's folder."),
      }),
      effect: "read",
      allowsParallel: true,
      boundary: fileBoundary,
      async execute({ name: wanted, path }, call) {
        const skill = known(wanted, call);
        const file = skill.files.find((one) => one.path === path.replace(/^\.\//, ""));
        if (file === undefined)
          return failure(`skill '${skill.name}' has no file '${path}'`, {
            files: skill.files.map((one) => one.path),
          });
        return success({ name: skill.name, ...file, ...(await textOf(skill, file.path)) });
      },
    }),
  ];
}

function told({ name: own, description, when_to_use, version, runtime }: Skill) {
  return {
    name: own,
    description,
    ...(when_to_use === undefined ? {} : { when_to_use }),
    ...(version === undefined ? {} : { version }),
    context: runtime.context,
  };
}

async function textOf(skill: Skill, path: string): Promise<{ content: string; truncated: boolean }> {
  const bytes = await skill.read(path).catch((error: unknown) => {
    if (error instanceof SkillChanged) throw new ToolFailure(error.message);
    throw error;
  });
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const isLong = text.length > MAX_FILE_CHARS;
    return { content: isLong ? text.slice(0, MAX_FILE_CHARS).toWellFormed() : text, truncated: isLong };
  } catch {
    throw new ToolFailure(`'${path}' of skill '${skill.name}' is not text`);
  }
}

/** A folder outside of the workspace may be read: the audit names the skill. */
function fileBoundary(input: Json): ToolBoundary {
  const wanted = SkillName.safeParse((input as { name?: unknown } | null)?.name);
  return { kind: "file_read", target: wanted.success ? `skill:${wanted.data}` : "skill" };
}
