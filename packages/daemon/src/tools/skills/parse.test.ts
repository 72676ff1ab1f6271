import { SKILL_LIMITS } from "@kheish/contract";
import { describe, expect, it, test } from "vitest";
import { type ParsedSkill, parseSkill } from "./parse.ts";

const md = (front: string, body = "Do the work.") => `---\n${front}\n---\n${body}\n`;

function parsed(text: string, runtime?: string): ParsedSkill {
  const result = parseSkill(text, "fallback", runtime);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

function refusal(text: string, runtime?: string): string {
  const result = parseSkill(text, "fallback", runtime);
  if (result.ok) throw new Error(`not refused: ${JSON.stringify(result.value)}`);
  return result.error;
}

describe("03 Skill: SKILL.md", () => {
  it("says name, description, version and use, each on one line", () => {
    const front =
      "name: review\ndescription: >\n  Reviews\n  a change\nversion: 1.2\nwhen_to_use: '  on   a branch '";
    expect(parsed(md(front))).toEqual({
      name: "review",
      description: "Reviews a change",
      version: "1.2",
      when_to_use: "on a branch",
      runtime: { allowed_tools: [], blocked_tools: [], context: "inline" },
      instructions: "Do the work.",
    });
  });

  it("takes what else the Agent Skills format has, and what it does not know is passed by", () => {
    const front =
      "name: a\ndescription: b\nlicense: MIT\ncompatibility: needs git\nallowed-tools: Bash(git:*) Read\n" +
      "metadata:\n  author: me\n  nested: {a: 1}";
    const skill = parsed(md(front));
    expect(skill).toMatchObject({ license: "MIT", compatibility: "needs git", metadata: { author: "me" } });
    expect(skill.runtime.allowed_tools).toEqual([]);
  });

  test.each([
    ["when_to_use: first\nwhen-to-use: second", "first"],
    ["when-to-use: second", "second"],
  ])("03 Skill: of two spellings the first wins (%j)", (lines, use) => {
    expect(parsed(md(`description: d\n${lines}`)).when_to_use).toBe(use);
  });

  test.each([
    ["no front matter", "# Heading\n\nThe first\nparagraph.\n\nThe second."],
    ["front matter without end", "Heading"],
  ])("03 Skill: without front matter (%s) name and description come from place and text", (_what, text) => {
    expect(parsed(text)).toMatchObject({ name: "fallback", instructions: text });
    expect(parsed(text).description).toContain("Heading");
  });

  it("03 Skill: the description is the first paragraph outside of code, without the marks of headings", () => {
    expect(parsed("```sh\nrm -rf\n```\n\n## Write it\nin words\n\nMore.").description).toBe(
      "Write it in words",
    );
    expect(parsed("````\n```\nnot this\n```\n````\nthis").description).toBe("this");
    expect(refusal("```\nonly code\n```")).toContain("no description");
  });

  test.each([[" ---\ndescription: d\n---\nx"], ["---  \ndescription: d\n---\nx"]])(
    "03 Skill: a line that is not exactly '---' begins no front matter (%j)",
    (text) => {
      expect(parsed(text).name).toBe("fallback");
      expect(parsed(text).instructions).toContain("description: d");
    },
  );

  it("reads the file of a Windows editor", () => {
    expect(parsed("\uFEFF---\r\nname: w\r\ndescription: d\r\n---\r\nA\r\nB\r\n")).toMatchObject({
      name: "w",
      description: "d",
      instructions: "A\nB",
    });
  });

  test.each([
    ["broken YAML", md("name: [a"), "SKILL.md"],
    ["a key given twice", md("name: a\nname: b"), "SKILL.md"],
    ["a list", md("- a"), "must be fields"],
    ["aliases, which could make much of little", md("a: &a [x]\nb: [*a, *a]"), "aliases"],
    ["nothing to do", md("description: d", "   "), "no instructions"],
    ["a name with a slash", md("name: a/b\ndescription: d"), "the name"],
    ["the name that means every one", md("name: '*'\ndescription: d"), "the name"],
    ["too much", md("description: d", "x".repeat(SKILL_LIMITS.instructions_bytes + 1)), "longer than"],
  ])("03-R70: %s is refused in words", (_what, text, words) => {
    expect(refusal(text)).toContain(words);
  });

  it("says the line of the file in which it is broken", () => {
    expect(refusal(md("description: d\nname: [a"))).toMatch(/^SKILL\.md: [^:]* at line 3, column \d+$/);
    expect(refusal("Do.", "context: [a")).toMatch(/^agents\/kheish\.yaml: [^:]* at line 1, column \d+$/);
  });

  it("cuts a description that is longer than the format allows", () => {
    expect(parsed(md(`description: ${"d".repeat(5_000)}`)).description).toHaveLength(1_024);
  });
});

describe("03 Skill: agents/kheish.yaml", () => {
  it("says how it runs; blank is unset", () => {
    const runtime =
      "allowed_tools: [read_file, 'mcp__git__*']\nblocked_tools:\ncontext: fork\nprovider: ' '\nmodel: big\nagent_profile:";
    expect(parsed("Do.", runtime).runtime).toEqual({
      allowed_tools: ["read_file", "mcp__git__*"],
      blocked_tools: [],
      context: "fork",
      model: "big",
    });
  });

  test.each([
    ["context: sideways", "context"],
    ["allowed_tools: bash", "allowed_tools"],
    ["{", "agents/kheish.yaml"],
  ])("%j is refused with the field", (runtime, words) => {
    expect(refusal("Do.", runtime)).toContain(words);
  });
});
