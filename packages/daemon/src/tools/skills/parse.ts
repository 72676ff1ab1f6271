import { SKILL_LIMITS, SkillName, SkillRuntime } from "@kheish/contract";
import { parseDocument, type YAMLError } from "yaml";
import { z } from "zod";

/** The two files of a skill's folder that say what it is. */
export const SKILL_FILE = "SKILL.md";
export const RUNTIME_FILE = "agents/kheish.yaml";

export interface ParsedSkill {
  name: string;
  description: string;
  when_to_use?: string;
  version?: string;
  license?: string;
  compatibility?: string;
  metadata?: Record<string, string>;
  runtime: SkillRuntime;
  instructions: string;
}

export type Parsed<T> = { ok: true; value: T } | { ok: false; error: string };

/** `fallbackName`: of a SKILL.md that names none; `runtime`: the text of `agents/kheish.yaml`, where there is one. */
export function parseSkill(text: string, fallbackName: string, runtime?: string): Parsed<ParsedSkill> {
  const parts = split(text);
  const front =
    parts.front === undefined ? { ok: true as const, value: {} } : mapping(parts.front, SKILL_FILE, 1);
  if (!front.ok) return front;
  const settings = readRuntime(runtime);
  if (!settings.ok) return settings;
  const instructions = parts.body.trim();
  if (instructions === "") return refused(`${SKILL_FILE} has no instructions`);
  if (Buffer.byteLength(instructions) > SKILL_LIMITS.instructions_bytes)
    return refused(`the instructions are longer than ${SKILL_LIMITS.instructions_bytes} bytes`);
  const name = SkillName.safeParse(lineOf(front.value.name) ?? fallbackName);
  if (!name.success) return refused(`the name ${name.error.issues[0]?.message ?? "is not valid"}`);
  const description = lineOf(front.value.description) ?? firstParagraph(instructions);
  if (description === undefined)
    return refused(`${SKILL_FILE} has no description, and no paragraph that could be one`);
  const lines = {
    when_to_use: lineOf(front.value.when_to_use) ?? lineOf(front.value["when-to-use"]),
    version: lineOf(front.value.version),
    license: lineOf(front.value.license),
    compatibility: lineOf(front.value.compatibility),
  };
  const metadata = textsIn(front.value.metadata);
  return {
    ok: true,
    value: {
      name: name.data,
      description: cut(description),
      ...defined(lines),
      ...(metadata === undefined ? {} : { metadata }),
      runtime: settings.value,
      instructions,
    },
  };
}

/** The front matter stands between two lines that are exactly `---`, the first of which begins the file. */
function split(text: string): { front?: string; body: string } {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (lines[0] !== "---") return { body: lines.join("\n") };
  const end = lines.indexOf("---", 1);
  if (end < 0) return { body: lines.join("\n") };
  return { front: lines.slice(1, end).join("\n"), body: lines.slice(end + 1).join("\n") };
}

/** Of fields with values: the parser compares each key with every other, so that a large one takes minutes. */
const MAX_FIELDS_BYTES = 16_384;

/** Plain data: no tags of its own, and no aliases that would make much of little. */
function mapping(text: string, file: string, above = 0): Parsed<Record<string, unknown>> {
  if (Buffer.byteLength(text) > MAX_FIELDS_BYTES)
    return refused(`${file}: its fields are longer than ${MAX_FIELDS_BYTES} bytes`);
  const document = parseDocument(text, { schema: "core", prettyErrors: true, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) return refused(`${file}: ${placed(error, above)}`);
  const value = plain(() => document.toJS({ maxAliasCount: 0 }) as unknown);
  if (!value.ok) return refused(`${file}: aliases are not read`);
  if (value.value === null || value.value === undefined) return { ok: true, value: {} };
  if (typeof value.value !== "object" || Array.isArray(value.value))
    return refused(`${file}: must be fields with values`);
  return { ok: true, value: value.value as Record<string, unknown> };
}

/** By the lines of the file, of which `above` stand before this text. */
function placed({ message, linePos }: YAMLError, above: number): string {
  const [what = ""] = message.split(/ at line \d|\n/);
  const [start] = linePos ?? [];
  return start === undefined ? what : `${what} at line ${start.line + above}, column ${start.col}`;
}

function plain(read: () => unknown): Parsed<unknown> {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    return refused(String(error));
  }
}

const blankIsUnset = z
  .string()
  .nullish()
  .transform((text) => (text == null ? undefined : lineOf(text)));
const orNone = <S extends z.ZodType>(schema: S) => schema.nullish().transform((value) => value ?? []);

const RuntimeFile = z.object({
  allowed_tools: orNone(SkillRuntime.shape.allowed_tools),
  blocked_tools: orNone(SkillRuntime.shape.blocked_tools),
  context: SkillRuntime.shape.context.default("inline"),
  agent_profile: blankIsUnset,
  provider: blankIsUnset,
  model: blankIsUnset,
  fallback_model: blankIsUnset,
});

function readRuntime(text: string | undefined): Parsed<SkillRuntime> {
  const fields = text === undefined ? { ok: true as const, value: {} } : mapping(text, RUNTIME_FILE);
  if (!fields.ok) return fields;
  const parsed = RuntimeFile.safeParse(fields.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refused(`${RUNTIME_FILE}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "is not valid"}`);
  }
  const { allowed_tools, blocked_tools, context, ...rest } = parsed.data;
  return { ok: true, value: { allowed_tools, blocked_tools, context, ...defined(rest) } };
}

/** One line: whitespace is collapsed, blank is nothing. Numbers and dates are what they look like. */
function lineOf(value: unknown): string | undefined {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return undefined;
  const line = String(value).replace(/\s+/g, " ").trim();
  return line === "" ? undefined : line;
}

function textsIn(value: unknown): Record<string, string> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const texts = Object.entries(value).flatMap(([key, one]) => {
    const line = lineOf(one);
    return line === undefined ? [] : [[key, cut(line)] as const];
  });
  return texts.length === 0 ? undefined : Object.fromEntries(texts.slice(0, 64));
}

/** Outside of code fences, without the marks of headings. */
function firstParagraph(body: string): string | undefined {
  const paragraph: string[] = [];
  let fence: string | undefined;
  for (const line of body.split("\n")) {
    const [, mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      continue;
    }
    if (mark !== undefined) fence = mark;
    const text = line.replace(/^\s*#+\s*/, "").trim();
    if (text !== "" && mark === undefined) paragraph.push(text);
    else if (paragraph.length > 0) break;
  }
  return lineOf(paragraph.join(" "));
}

function cut(line: string): string {
  const most = SKILL_LIMITS.description_chars;
  return line.length <= most ? line : `${line.slice(0, most - 1).toWellFormed()}…`;
}

function defined<T extends Record<string, string | undefined>>(fields: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

function refused(error: string): { ok: false; error: string } {
  return { ok: false, error };
}
