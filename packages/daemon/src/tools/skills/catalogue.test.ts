import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueText } from "./catalogue.ts";
import type { Skill } from "./skill.ts";

const skill = (name: string, description: string, when_to_use?: string) =>
  ({ name, description, ...(when_to_use === undefined ? {} : { when_to_use }) }) as Skill;
const many = (count: number, chars: number) =>
  Array.from({ length: count }, (_, n) => skill(`skill-${String(n).padStart(4, "0")}`, "d".repeat(chars)));

test("03-R77: the catalogue is a line a skill, with its use", () => {
  const text = catalogueText([skill("a", "does a"), skill("b", "does b", "on Mondays")]);
  expect(text?.split("\n").slice(1)).toEqual(["- a: does a", "- b: does b Use: on Mondays"]);
  expect(catalogueText([])).toBeUndefined();
});

test("03-R77: it has 8000 characters at most, 240 a line, and its last line counts what is left out", () => {
  fc.assert(
    fc.property(fc.nat({ max: 300 }), fc.nat({ max: 600 }), (count, chars) => {
      const skills = many(count + 1, chars);
      const lines = (catalogueText(skills) ?? "").split("\n");
      expect(lines.join("\n").length).toBeLessThanOrEqual(8_000);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(240);
      const [, more] = /^- and (\d+) more: list_skills/.exec(lines.at(-1) ?? "") ?? [];
      expect(lines.length - 1 - (more === undefined ? 0 : 1) + Number(more ?? 0)).toBe(skills.length);
    }),
  );
});
