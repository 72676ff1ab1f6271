import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { kheish, type SkillControl, useSkills, writeSkill } from "./support.ts";

const { folder, serve } = useSkills();

async function json(daemon: SkillControl, ...argv: string[]) {
  const { code, stdout, stderr } = await daemon.cli(...argv);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Without a daemon, in a folder. */
const local = (workingDirectory: string, ...argv: string[]) => kheish(argv, { workingDirectory });

describe("03 CLI: skills", () => {
  test("03 CLI: add, list, get, activate, deactivate, remove", async () => {
    const daemon = await serve();
    await daemon.session();
    const path = await writeSkill(join(await folder(), "review"), {
      front: "name: review\ndescription: Reviews",
      files: { "ref/a.md": "a" },
    });
    const added = await json(daemon, "skills", "add", path, "--reason", "for the team");
    expect(added).toMatchObject({ name: "review", scope: "runtime", revision: 1 });
    expect(await json(daemon, "skills", "list", "--query", "reviews")).toMatchObject([{ name: "review" }]);
    expect(await json(daemon, "skills", "get", "review")).toEqual(added);
    expect(await json(daemon, "skill", "show", "review")).toEqual(added);
    expect(await json(daemon, "skills", "activate", "s", "review", "--args", "PR 7")).toMatchObject({
      name: "review",
      activated_by: "operator",
    });
    const there = [{ name: "review", active: true }];
    expect(await json(daemon, "skills", "list", "--session-id", "s")).toMatchObject(there);
    expect(await json(daemon, "sessions", "skills", "s", "--limit", "1")).toMatchObject(there);
    expect(await json(daemon, "skills", "deactivate", "s", "review")).toMatchObject({ name: "review" });
    expect(await daemon.cli("skills", "deactivate", "s", "review")).toMatchObject({ code: 5 });

    expect(await daemon.cli("skills", "add", path)).toMatchObject({ code: 6 });
    await writeSkill(path, { front: "name: review\ndescription: Better" });
    expect(await json(daemon, "skills", "add", path, "--replace")).toMatchObject({ revision: 2 });
    const one = join(path, "SKILL.md");
    expect(await json(daemon, "skills", "add", one, "--name", "other")).toMatchObject({
      name: "other",
      files: [{ path: "SKILL.md" }],
    });
    expect(await json(daemon, "skills", "remove", "review")).toMatchObject({ name: "review" });
    expect(await json(daemon, "skills", "list")).toMatchObject([{ name: "other" }]);
    expect(await json(daemon, "skills", "reload")).toMatchObject({ added: [], skills: { count: 1 } });
  });

  test("for eyes: tables, one skill whole, and where skills come from with what is wrong there", async () => {
    const root = await folder();
    await writeSkill(join(root, "look"), {
      runtime: "blocked_tools: [bash]\n",
      front: "version: 2\ndescription: Looks",
    });
    await writeSkill(join(root, "bad"), { front: "name: [" });
    const daemon = await serve({ skills: { explicit: [root] } });
    const shown = async (...argv: string[]) =>
      (await kheish(["--base-url", daemon.daemon.baseUrl, ...argv], { columns: 200, env: { NO_COLOR: "1" } }))
        .stdout;
    expect(await shown("skills", "list")).toMatch(
      /SKILL +FROM +DIGEST +DOES\nlook +explicit +[0-9a-f]{12} +Looks/,
    );
    expect(await shown("skills", "get", "look")).toMatch(/not tools +bash[\s\S]*\n\nDo the work\./);
    expect(await shown("skills", "roots")).toMatch(/explicit +1[\s\S]*1 skill in use\n.*bad is left out/);
  });

  test.each<[string, (at: string) => Promise<string[]>]>([
    ["a folder without a skill", async (at) => [at]],
    ["a folder that is not there", async (at) => [join(at, "no")]],
    [
      "another file",
      async (at) => {
        await writeFile(join(at, "a.md"), "x");
        return [join(at, "a.md")];
      },
    ],
    [
      "several skills",
      async (at) => {
        await writeSkill(join(at, "a"));
        await writeSkill(join(at, "b"));
        return [at];
      },
    ],
  ])("what cannot be added is said: %s", async (_what, make) => {
    const at = await folder();
    const { code, stderr } = await local(at, "skills", "add", ...(await make(at)));
    expect(code).toBe(2);
    expect(stderr).not.toBe("");
  });
});

describe("the lock file", () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const other = generateKeyPairSync("ed25519").publicKey;
  const pem = (key: typeof publicKey) =>
    key.export({ format: "pem", type: key.type === "public" ? "spki" : "pkcs8" }).toString();

  async function place(): Promise<string> {
    const at = await folder();
    await writeSkill(join(at, "skills/a"));
    await writeSkill(join(at, "skills/b"));
    await writeFile(join(at, "key.pem"), pem(privateKey));
    await writeFile(join(at, "pub.pem"), pem(publicKey));
    await writeFile(join(at, "other.pem"), pem(other));
    return at;
  }
  const ROOT = ["--root", "skills"];

  test("lock and verify, without a daemon: what changed, is missing or is not pinned is named, with exit code 1", async () => {
    const at = await place();
    expect((await local(at, "skills", "lock", ...ROOT)).code).toBe(0);
    const verify = async () => {
      const { code, stdout } = await local(at, "skills", "verify", ...ROOT);
      return { code, ...JSON.parse(stdout) };
    };
    expect(await verify()).toMatchObject({ code: 0, ok: true, checked: 2, signed_by: [] });
    await writeSkill(join(at, "skills/a"), { files: { "ref/new.md": "x" } });
    await writeSkill(join(at, "skills/c"));
    await writeFile(join(at, "skills/b/SKILL.md"), "---\nname: d\n---\nx");
    expect(await verify()).toMatchObject({
      code: 1,
      ok: false,
      changed: ["a"],
      missing: ["b"],
      unlocked: ["c", "d"],
    });
  });

  test("a signature is checked, when it is asked for, over what the file says", async () => {
    const at = await place();
    await local(at, "skills", "lock", ...ROOT, "--sign-key", "key.pem");
    const verify = (key: string) => local(at, "skills", "verify", ...ROOT, "--public-key", key);
    expect(await verify("pub.pem")).toMatchObject({ code: 0 });
    expect(await verify("other.pem")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no valid signature"),
    });
    expect(
      await local(at, "skills", "verify", ...ROOT, "--public-key", "other.pem", "--public-key", "pub.pem"),
    ).toMatchObject({ code: 0 });
    const file = join(at, "skills.lock.json");
    const text = await readFile(file, "utf8");
    await writeFile(
      file,
      text.replace(/"digest": "./, '"digest": "0').replace('"digest": "00', '"digest": "10'),
    );
    expect(await verify("pub.pem")).toMatchObject({ code: 2 });
    await writeFile(file, "{}");
    expect(await verify("pub.pem")).toMatchObject({ code: 2, stderr: expect.stringContaining("not valid") });
    const wrong = await local(at, "skills", "lock", ...ROOT, "--sign-key", "pub.pem");
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("Ed25519") });
    expect(wrong.stderr).not.toContain("BEGIN");
  });

  test("a daemon that is held to one uses what it pins, refuses to add anything else, and verifies with the CLI", async () => {
    const at = await place();
    await local(at, "skills", "lock", ...ROOT, "--sign-key", "key.pem");
    await writeSkill(join(at, "skills/b"), { body: "Something else." });
    await writeSkill(join(at, "skills/c"));
    const skills = {
      explicit: [join(at, "skills")],
      discover: true,
      lockFile: join(at, "skills.lock.json"),
      lockKeyFiles: [join(at, "pub.pem")],
    };
    const daemon = await serve({ skills });
    const own = (await daemon.http.call("listSkills")).filter(({ scope }) => scope !== "built_in");
    expect(own.map(({ name }) => name)).toEqual(["a"]);
    const { warnings, lock } = await daemon.http.call("getSkillLibrary");
    expect(warnings).toEqual([
      expect.stringContaining("it is not the one in the lock file"),
      expect.stringContaining("'c' is not in the lock file"),
    ]);
    expect(lock).toMatchObject({ signed_by: [expect.stringMatching(/^[0-9a-f]{16}$/)] });
    expect(await daemon.http.refusal("addSkill", { body: { name: "x", instructions: "x" } })).toMatchObject({
      status: 409,
      code: "skill_not_loaded",
    });
    const report = await daemon.cli("skills", "verify", "--lock", skills.lockFile);
    expect(report).toMatchObject({ code: 1 });
    expect(JSON.parse(report.stdout)).toMatchObject({ missing: ["b"], unlocked: [], changed: [] });

    await writeFile(skills.lockFile, '{"version":1,"skills":[]}');
    expect(await daemon.http.refusal("reloadSkills")).toMatchObject({
      status: 409,
      code: "skill_not_loaded",
    });
    expect(await daemon.names()).toContain("a");
    await expect(daemon.daemon.restart()).rejects.toThrow("no valid signature");
  });

  test.each([
    [{ lockFile: "/nowhere/skills.lock.json" }, "cannot read"],
    [{ lockKeyFiles: ["/nowhere/key.pem"] }, "--skill-lock"],
  ])("a daemon does not start when it cannot be held to %j", async (skills, words) => {
    await expect(serve({ skills })).rejects.toThrow(words);
  });
});
