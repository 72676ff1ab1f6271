import { type AddSkillRequest, type SetSkillRequest, SkillName } from "@kheish/contract";
import { stringify } from "yaml";
import { type Parsed, parseSkill, RUNTIME_FILE, SKILL_FILE } from "../../tools/skills/index.ts";
import type { StoredFile, StoredSkill } from "./stored.ts";

type Request = Omit<AddSkillRequest & SetSkillRequest, "expected_revision">;
type Files = StoredSkill["files"];

/**
 * The folder that a request describes, and the name of the skill in it: given whole, or written from its fields. Other
 * files of a skill that is replaced stay when the request has none to say.
 */
export function filesOf(request: Request, before: Files = {}): Parsed<{ name: string; files: Files }> {
  const given = givenFiles(request.files ?? []);
  if (!given.ok) return given;
  const { name } = request;
  if (request.instructions === undefined) {
    const text = given.value[SKILL_FILE];
    if (text === undefined || !("text" in text)) return { ok: false, error: `${SKILL_FILE} must be text` };
    const parsed = parseSkill(text.text, name ?? "");
    if (!parsed.ok) return parsed;
    return { ok: true, value: { name: name ?? parsed.value.name, files: given.value } };
  }
  if (name === undefined) return { ok: false, error: "give it a 'name'" };
  for (const path of [SKILL_FILE, RUNTIME_FILE])
    if (path in given.value) return { ok: false, error: `'${path}' is written from the other fields` };
  const { [SKILL_FILE]: _skill, [RUNTIME_FILE]: _runtime, ...others } = before;
  const files = { ...(request.files === undefined ? others : given.value), ...described(name, request) };
  return { ok: true, value: { name, files } };
}

/** Names with their text, in the shape that `parseSkill` reads. */
function described(name: string, request: Request): Files {
  const { description, when_to_use, version, instructions = "" } = request;
  const front = stringify(JSON.parse(JSON.stringify({ name, description, when_to_use, version })));
  const skill = { [SKILL_FILE]: { text: `---\n${front}---\n\n${instructions.trim()}\n` } };
  const { allowed_tools, blocked_tools, context, agent_profile, provider, model, fallback_model } = {
    ...request,
    ...request.runtime,
  };
  const runtime = JSON.parse(
    JSON.stringify({ allowed_tools, blocked_tools, context, agent_profile, provider, model, fallback_model }),
  ) as object;
  if (Object.keys(runtime).length === 0) return skill;
  return { ...skill, [RUNTIME_FILE]: { text: stringify(runtime) } };
}

function givenFiles(files: NonNullable<Request["files"]>): Parsed<Files> {
  const given: Record<string, StoredFile> = {};
  for (const { path, content, content_base64 } of files) {
    if (!isPlainPath(path))
      return { ok: false, error: `'${path}' must be a path inside of the skill's folder, with '/'` };
    if (Object.hasOwn(given, path)) return { ok: false, error: `'${path}' is given twice` };
    given[path] = content === undefined ? fromBase64(content_base64 ?? "") : { text: content.toWellFormed() };
  }
  return { ok: true, value: given };
}

/** What is text stays readable; the digest is over the bytes either way. */
function fromBase64(base64: string): StoredFile {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Buffer.from(base64, "base64"),
    );
    return text.includes("\0") ? { base64 } : { text };
  } catch {
    return { base64 };
  }
}

function isPlainPath(path: string): boolean {
  const parts = path.split("/");
  return !/[\p{Cc}\\]/u.test(path) && parts.every((part) => part !== "" && part !== "." && part !== "..");
}

/** Why a name in a path is no skill's. */
export function nameError(name: string): string | undefined {
  const parsed = SkillName.safeParse(name);
  return parsed.success ? undefined : `the name ${parsed.error.issues[0]?.message ?? "is not valid"}`;
}
