import { execFileSync } from "node:child_process";
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { skillRoots } from "../../src/tools/skills/index.ts";
import { useSkills, writeSkill } from "./support.ts";

const { folder, serve } = useSkills();

describe("03-R69 where skills are looked for", () => {
  test("03-R69: what is named comes first, then the workspace up to its repository, then home, then what comes along", async () => {
    const base = await folder();
    const workspace = join(base, "home/repo/apps/one");
    const wanted = [
      "named",
      "home/repo/apps/one/skills",
      "home/repo/apps/one/.claude/skills",
      "home/repo/apps/one/.agents/skills",
      "home/repo/.agents/skills",
      "home/skills",
      "home/.agents/skills",
      "home/.claude/skills",
      "built-in",
    ].map((path) => join(base, path));
    for (const path of [...wanted, join(base, "skills"), join(base, "home/repo/.git")])
      await mkdir(path, { recursive: true });
    const warnings: string[] = [];
    const settings = {
      explicit: [join(base, "named"), join(base, "nowhere"), join(base, "named/../named")],
      discover: true,
      workspaceRoot: workspace,
      home: join(base, "home"),
      builtIn: join(base, "built-in"),
    };
    const roots = await skillRoots(settings, (message) => void warnings.push(message));
    expect(roots.map(({ path }) => path)).toEqual(wanted);
    expect(roots.map(({ scope }) => scope)).toEqual([
      "explicit",
      ...Array.from({ length: 4 }, () => "repo"),
      ...Array.from({ length: 3 }, () => "user"),
      "built_in",
    ]);
    expect(warnings).toEqual([expect.stringContaining("nowhere")]);
    expect(await skillRoots({ ...settings, discover: false }, () => undefined)).toHaveLength(1);
  });

  test("03-R69 weakness: outside of home and of every repository no parent can plant skills", async () => {
    const base = await folder();
    const workspaceRoot = join(base, "shared/work");
    for (const path of ["skills", "shared/skills", "shared/work/skills"])
      await mkdir(join(base, path), { recursive: true });
    const settings = { explicit: [], discover: true, workspaceRoot, home: "/nowhere", builtIn: "/nowhere" };
    const roots = await skillRoots(settings, () => undefined);
    expect(roots).toEqual([{ path: join(workspaceRoot, "skills"), scope: "repo" }]);
  });

  test("03-R69: of two folders that are one, the first counts", async () => {
    const base = await folder();
    await writeSkill(join(base, "real/a"));
    await symlink(join(base, "real"), join(base, "link"));
    const daemon = await serve({ skills: { explicit: [join(base, "link"), join(base, "real")] } });
    const library = await daemon.http.call("getSkillLibrary");
    expect(library.roots).toEqual([{ path: join(base, "real"), scope: "explicit", skills: 1 }]);
    expect(library.warnings).toEqual([]);
  });
});

describe("03-R70 what is found", () => {
  test("03-R70: names are the folders below the root; of two with one name the first is used, and a bad one is a warning", async () => {
    const [first, second] = [await folder(), await folder()];
    await writeSkill(join(first, "review/pr"), { front: "description: first" });
    await writeSkill(join(first, "broken"), { front: "name: [" });
    await writeSkill(join(second, "review/pr"), { front: "description: second" });
    await writeSkill(join(second, "other"), { front: "name: named\ndescription: d" });
    const daemon = await serve({ skills: { explicit: [first, second] } });
    expect(await daemon.names()).toEqual(["named", "review:pr"]);
    expect(await daemon.skill("review:pr")).toMatchObject({
      description: "first",
      skill_path: join(first, "review/pr"),
      skill_root: first,
      scope: "explicit",
      runtime: { allowed_tools: [], blocked_tools: [], context: "inline" },
    });
    const { warnings, roots } = await daemon.http.call("getSkillLibrary");
    expect(warnings).toEqual([
      expect.stringContaining(`${join(first, "broken")} is left out: SKILL.md`),
      expect.stringContaining(`'review:pr' is at ${join(first, "review/pr")} already`),
    ]);
    expect(roots.map(({ skills }) => skills)).toEqual([1, 2]);
    expect((await daemon.http.call("getRuntime")).skills).toMatchObject({ count: 2, warnings });
  });

  test("03-R70: six folders deep, no dots, no links, and what lies in a skill is its own", async () => {
    const root = await folder();
    await writeSkill(join(root, "1/2/3/4/5/6"), { front: "name: deep\ndescription: d" });
    await writeSkill(join(root, "1/2/3/4/5/x/7"), { front: "name: deeper\ndescription: d" });
    await writeSkill(join(root, ".hidden/a"), { front: "name: hidden\ndescription: d" });
    const outside = await folder();
    await writeSkill(join(outside, "a"), { front: "name: linked\ndescription: d" });
    await symlink(outside, join(root, "link"));
    await writeSkill(join(root, "outer"), { files: { "assets/SKILL.md": "A template." } });
    await mkdir(join(root, "linkfile"));
    await symlink(join(outside, "a/SKILL.md"), join(root, "linkfile/SKILL.md"));
    const daemon = await serve({ skills: { explicit: [root] } });
    expect(await daemon.names()).toEqual(["deep", "outer"]);
    expect((await daemon.http.call("getSkillLibrary")).warnings).toEqual([
      expect.stringContaining("SKILL.md is no regular file"),
    ]);
  });

  test("03-R70: at most 2000 folders of a root are looked at", async () => {
    const root = await folder();
    for (let n = 0; n < 2_100; n++) await mkdir(join(root, `d${String(n).padStart(4, "0")}`));
    await writeSkill(join(root, "zz-last"));
    const daemon = await serve({ skills: { explicit: [root] } });
    expect(await daemon.names()).toEqual([]);
    expect((await daemon.http.call("getSkillLibrary")).warnings).toEqual([
      expect.stringContaining("more than 2000 folders"),
    ]);
  });

  test("a root may be a skill itself, and a FIFO or a link in it is neither read nor part of it", async () => {
    const root = await writeSkill(await folder(), { front: "name: self\ndescription: d" });
    execFileSync("mkfifo", [join(root, "pipe")]);
    await symlink("/etc/hostname", join(root, "host"));
    const daemon = await serve({ skills: { explicit: [root] } });
    expect((await daemon.skill("self")).files.map(({ path }) => path)).toEqual(["SKILL.md"]);
  });

  test.each([
    [
      "too many files",
      async (at: string) => {
        for (let n = 0; n < 300; n++) await writeFile(join(at, `f${n}`), "");
      },
    ],
    [
      "fields that a parser would be busy with for hours",
      async (at: string) => {
        const front = Array.from({ length: 400_000 }, (_, n) => `k${n}: 1`).join("\n");
        await writeSkill(at, { front });
      },
    ],
    ["too many bytes", (at: string) => writeFile(join(at, "big"), Buffer.alloc(9 * 1024 * 1024))],
  ])("a skill with %s is left out", async (_what, spoil) => {
    const root = await folder();
    await spoil(await writeSkill(join(root, "a")));
    const daemon = await serve({ skills: { explicit: [root] } });
    expect(await daemon.names()).toEqual([]);
    expect((await daemon.http.call("getSkillLibrary")).warnings).toEqual([
      expect.stringMatching(/more than|longer than/),
    ]);
  });
});

describe("the digest of a skill", () => {
  test("03 weakness: is the same wherever the folder stands, and covers every file of it", async () => {
    const [here, there] = [await folder(), await folder()];
    await writeSkill(join(here, "a"), { files: { "ref/one.md": "one", "z.bin": new Uint8Array([0, 255]) } });
    await cp(join(here, "a"), join(there, "deep/er/a"), { recursive: true });
    const one = await serve({ skills: { explicit: [here] } });
    const other = await serve({ skills: { explicit: [there] } });
    const { digest } = await one.skill("a");
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await other.skill("deep:er:a")).digest).toBe(digest);
    const changes: [string, string][] = [
      ["ref/one.md", "two"],
      ["ref/new.md", ""],
      ["agents/kheish.yaml", "context: fork\n"],
      ["SKILL.md", "Do something else."],
    ];
    const seen = new Set([digest]);
    for (const [path, content] of changes) {
      await mkdir(join(here, "a/agents"), { recursive: true });
      await writeFile(join(here, "a", path), content);
      await one.reload();
      seen.add((await one.skill("a")).digest);
    }
    expect(seen.size).toBe(changes.length + 1);
  });
});

test("03-R71 weakness: a reload finds what changed in the folders, and what went, without a restart", async () => {
  const root = await folder();
  const path = await writeSkill(join(root, "a"));
  await writeSkill(join(root, "b"));
  const daemon = await serve({ skills: { explicit: [root] } });
  await writeSkill(path, { body: "Do it well." });
  await writeSkill(join(root, "c"));
  execFileSync("rm", ["-r", join(root, "b")]);
  expect(await daemon.names()).toEqual(["a", "b"]);
  expect(await daemon.reload()).toMatchObject({ added: ["c"], removed: ["b"], changed: ["a"] });
  expect(await daemon.names()).toEqual(["a", "c"]);
  expect((await daemon.skill("a")).instructions).toBe("Do it well.");
  expect(await daemon.reload()).toMatchObject({ added: [], removed: [], changed: [] });
});
