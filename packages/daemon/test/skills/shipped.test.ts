import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { SkillLibrary, skillsIn, skillTools } from "../../src/tools/skills/index.ts";
import { useSkills } from "./support.ts";

const FOLDER = fileURLToPath(new URL("../../skills", import.meta.url));
const { serve } = useSkills();
const TOOLS = new Set(
  [...createBuiltinTools({ hostEnv: {} }).all(), ...skillTools(new SkillLibrary())].map(({ name }) => name),
);

const warnings: string[] = [];
const shipped = await skillsIn({ path: FOLDER, scope: "built_in" }, (message) => void warnings.push(message));

/** Words in code marks that look like a tool: they are the only ones with an underscore. */
const toolsNamedIn = (text: string) =>
  [...text.matchAll(/`([a-z]+(?:_[a-z]+)+)(?=[`( "])/g)].map(([, name]) => name ?? "");

test("the daemon brings a dozen skills along, and every folder is one", async () => {
  expect(warnings).toEqual([]);
  expect(shipped.map(({ name }) => name).sort()).toEqual((await readdir(FOLDER)).sort());
  expect(shipped.length).toBeGreaterThanOrEqual(12);
});

describe.each(shipped.map((skill) => [skill.name, skill] as const))("the skill %s", (name, skill) => {
  test("is what the Agent Skills format asks for", () => {
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(skill.skill_path).toBe(`${FOLDER}/${name}`);
    expect(skill.description.length).toBeGreaterThan(40);
    expect(skill.version).toMatch(/^\d+$/);
    expect(skill.when_to_use).toBeDefined();
    expect(`- ${name}: ${skill.description} Use: ${skill.when_to_use}`.length).toBeLessThanOrEqual(240);
    expect(skill.runtime.context).toBe("inline");
  });

  test("is short enough to be read at each turn, and says how to do the work", () => {
    expect(skill.instructions.split("\n").length).toBeLessThanOrEqual(120);
    expect(Buffer.byteLength(skill.instructions)).toBeLessThanOrEqual(6_000);
    expect(skill.instructions.match(/^## /gm)?.length).toBeGreaterThanOrEqual(3);
  });

  test("names tools that there are, and leaves itself those that it names", () => {
    const { allowed_tools: allowed, blocked_tools: blocked } = skill.runtime;
    for (const tool of [...toolsNamedIn(skill.instructions), ...allowed, ...blocked])
      if (!tool.endsWith("*")) expect(TOOLS, tool).toContain(tool);
    for (const tool of toolsNamedIn(skill.instructions)) {
      expect(blocked, tool).not.toContain(tool);
      if (allowed.length > 0 && !tool.endsWith("_skill_file")) expect(allowed, tool).toContain(tool);
    }
  });

  test("brings the files that it tells to read", async () => {
    for (const [, path = ""] of skill.instructions.matchAll(/`path: ([^`]+)`/g)) {
      expect(skill.files.map((file) => file.path)).toContain(path);
      expect((await readFile(`${skill.skill_path}/${path}`, "utf8")).length).toBeGreaterThan(200);
    }
  });
});

test("a daemon that looks for skills has them, behind all others, and one that does not has none", async () => {
  const daemon = await serve({ skills: { discover: true } });
  expect((await daemon.names()).length).toBe(shipped.length);
  expect((await daemon.skill("review-change")).scope).toBe("built_in");
  await daemon.addSkill("review-change", { instructions: "As we do it." });
  expect((await daemon.skill("review-change")).instructions).toBe("As we do it.");
  await daemon.session();
  await daemon.http.call("removeSkill", { params: { skill_name: "review-change" } });
  const told = await daemon.called("s", "read_skill_file", { name: "write-runbook", path: "template.md" });
  expect(told).toMatchObject({ content: expect.stringContaining("Way back"), truncated: false });
  expect(await (await serve()).names()).toEqual([]);
});
