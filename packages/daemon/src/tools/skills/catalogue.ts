import type { Skill } from "./skill.ts";

/** 03-R77. */
const MAX_CHARS = 8_000;
const MAX_LINE_CHARS = 240;

const INTRODUCTION =
  "Skills are instructions for kinds of work. When one fits what you are asked, begin with use_skill:";

/**
 * What prompts tell of skills, by name: the same skills make the same text, so that a provider's cache of the prompt
 * holds until they change. At most 8000 characters, 240 a line; the last line counts what had no room (03-R77).
 */
export function catalogueText(skills: readonly Skill[]): string | undefined {
  if (skills.length === 0) return undefined;
  const lines = skills.map(lineOf);
  const whole = [INTRODUCTION, ...lines].join("\n");
  if (whole.length <= MAX_CHARS) return whole;
  const shown: string[] = [];
  let room = MAX_CHARS - INTRODUCTION.length - 1 - omitted(skills.length).length;
  for (const line of lines) {
    room -= line.length + 1;
    if (room < 0) break;
    shown.push(line);
  }
  return [INTRODUCTION, ...shown, omitted(skills.length - shown.length)].join("\n");
}

function omitted(count: number): string {
  return `- and ${count} more: list_skills finds them`;
}

function lineOf({ name, description, when_to_use: use }: Skill): string {
  const line = `- ${name}: ${description}${use === undefined ? "" : ` Use: ${use}`}`;
  return line.length <= MAX_LINE_CHARS ? line : `${line.slice(0, MAX_LINE_CHARS - 1).toWellFormed()}…`;
}
