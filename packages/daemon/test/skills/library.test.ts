import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EventStream } from "../http/support/stream.ts";
import { useSkills, writeSkill } from "./support.ts";

const { folder, serve } = useSkills();
const TEXT = { front: "name: whole\ndescription: A folder", body: "See ref/a.md." };
const skillMd = `---\n${TEXT.front}\n---\n${TEXT.body}\n`;

describe("03 HTTP: skills of the daemon", () => {
  test("03 HTTP: are listed by name, and found by every word of a query", async () => {
    const daemon = await serve();
    await daemon.addSkill("triage", { description: "Sorts issues", when_to_use: "On Mondays" });
    await daemon.addSkill("release", { description: "Writes release notes" });
    const found = async (query: string) =>
      (await daemon.http.call("listSkills", { query: { query } })).map(({ name }) => name);
    expect(await found("")).toEqual(["release", "triage"]);
    expect(await found("MONDAYS issues")).toEqual(["triage"]);
    expect(await found("issues release")).toEqual([]);
    expect(await daemon.http.refusal("getSkill", { params: { skill_name: "no" } })).toMatchObject({
      status: 404,
      domain: "skills",
      code: "skill_not_found",
    });
  });

  test("08: a skill that is added answers 201, is there at once, and after a restart", async () => {
    const daemon = await serve();
    const body = {
      name: "triage",
      description: "Sorts issues: by weight",
      when_to_use: "Always",
      version: "1.0",
      instructions: "Read them.\n\nSort them.",
      allowed_tools: ["read_file"],
      runtime: undefined,
    };
    const { status, answer } = await daemon.http.exchange("addSkill", { body });
    expect(status).toBe(201);
    expect(answer).toMatchObject({
      name: "triage",
      description: "Sorts issues: by weight",
      when_to_use: "Always",
      version: "1.0",
      instructions: "Read them.\n\nSort them.",
      scope: "runtime",
      skill_path: "kheish://skills/triage",
      runtime: { allowed_tools: ["read_file"], blocked_tools: [], context: "inline" },
      revision: 1,
      added_by: "anonymous",
    });
    expect(answer.files.map(({ path }) => path)).toEqual(["SKILL.md", "agents/kheish.yaml"]);
    await daemon.daemon.restart();
    expect(await daemon.skill("triage")).toEqual(answer);
  });

  test("a folder that is added has the digest that it has on disk", async () => {
    const root = await folder();
    await writeSkill(join(root, "whole"), {
      ...TEXT,
      files: { "ref/a.md": "ä", "z.bin": new Uint8Array([0, 200]) },
    });
    const disk = await serve({ skills: { explicit: [root] } });
    const store = await serve();
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    const files = [
      { path: "SKILL.md", content: skillMd },
      { path: "ref/a.md", content_base64: base64(Buffer.from("ä")) },
      { path: "z.bin", content_base64: base64(new Uint8Array([0, 200])) },
    ];
    const added = await store.http.call("addSkill", { body: { files } });
    expect(added).toMatchObject({ name: "whole", digest: (await disk.skill("whole")).digest });
  });

  test("a second one of that name is refused; PUT replaces it, under its revision, and keeps its other files", async () => {
    const daemon = await serve();
    await daemon.addSkill("a", { files: [{ path: "ref/t.md", content: "template" }] });
    const again = { body: { name: "a", instructions: "Other." } };
    expect(await daemon.http.refusal("addSkill", again)).toMatchObject({ status: 409, code: "skill_exists" });
    const put = (body: object) => ({
      params: { skill_name: "a" },
      body: { instructions: "Better.", ...body },
    });
    expect(await daemon.http.refusal("setSkill", put({ expected_revision: 7 }))).toMatchObject({
      status: 409,
      code: "skill_revision_conflict",
    });
    const { status, answer } = await daemon.http.exchange("setSkill", put({ expected_revision: 1 }));
    expect(status).toBe(200);
    expect(answer).toMatchObject({ revision: 2, instructions: "Better.", description: "Better." });
    expect(answer.files.map(({ path }) => path)).toEqual(["SKILL.md", "ref/t.md"]);
    const dropped = await daemon.http.call("setSkill", put({ files: [] }));
    expect(dropped.files.map(({ path }) => path)).toEqual(["SKILL.md"]);
    const fresh = { params: { skill_name: "b" }, body: { instructions: "New.", expected_revision: 0 } };
    expect((await daemon.http.exchange("setSkill", fresh)).status).toBe(201);
  });

  test("an added skill covers one of a repository and not one that was named; removing it says what is there then", async () => {
    const [named, plain] = [await folder(), await folder()];
    await writeSkill(join(named, "a"), { front: "description: named" });
    const one = await serve({ skills: { explicit: [named] } });
    await one.addSkill("a");
    expect((await one.skill("a")).scope).toBe("explicit");
    expect((await one.http.call("getSkillLibrary")).warnings).toEqual([
      expect.stringContaining("kheish://skills/a is left out"),
    ]);
    const gone = await one.http.call("removeSkill", { params: { skill_name: "a" } });
    expect(gone).toMatchObject({ name: "a", uncovered: "explicit" });
    expect(await one.http.refusal("removeSkill", { params: { skill_name: "a" } })).toMatchObject({
      status: 409,
      code: "skill_not_removable",
    });
    expect(await one.http.refusal("removeSkill", { params: { skill_name: "b" } })).toMatchObject({
      status: 404,
    });

    const other = await serve({ skills: { discover: true }, env: { HOME: plain } });
    await writeSkill(join(other.daemon.workspace, "skills/a"), { front: "description: repo" });
    await other.reload();
    expect((await other.skill("a")).scope).toBe("repo");
    await other.addSkill("a");
    expect((await other.skill("a")).scope).toBe("runtime");
  });

  test("who watches the daemon hears of each change by runtime_updated, with what is there then", async () => {
    const daemon = await serve();
    const stream = await EventStream.open(daemon.http.url("eventsStream"));
    const told = async () => {
      const { data } = await stream.until(({ event }) => event === "runtime_updated");
      return data.type === "runtime_updated" ? data.runtime.skills?.count : undefined;
    };
    await daemon.addSkill("a");
    expect(await told()).toBe(1);
    await daemon.http.call("removeSkill", { params: { skill_name: "a" } });
    expect(await told()).toBe(0);
    stream.close();
  });

  test.each<[string, object]>([
    ["no instructions", { name: "a" }],
    ["no name", { instructions: "x" }],
    ["a name with a slash", { name: "a/b", instructions: "x" }],
    ["a star for a name", { name: "*", instructions: "x" }],
    ["fields beside a SKILL.md", { description: "d", files: [{ path: "SKILL.md", content: skillMd }] }],
    ["a SKILL.md that is broken", { files: [{ path: "SKILL.md", content: "---\nname: [\n---\nx" }] }],
    ["runtime twice", { name: "a", instructions: "x", context: "fork", runtime: { context: "inline" } }],
    ["an unknown field", { name: "a", instructions: "x", color: "red" }],
    [
      "a file twice",
      {
        name: "a",
        instructions: "x",
        files: [
          { path: "b", content: "" },
          { path: "b", content: "" },
        ],
      },
    ],
    [
      "a file that is written from fields",
      { name: "a", instructions: "x", files: [{ path: "agents/kheish.yaml", content: "" }] },
    ],
    [
      "a file with two contents",
      { name: "a", instructions: "x", files: [{ path: "b", content: "", content_base64: "" }] },
    ],
    [
      "too many bytes",
      { name: "a", instructions: "x", files: [{ path: "b", content: "x".repeat(600_000) }] },
    ],
    ["too long instructions", { name: "a", instructions: "x".repeat(70_000) }],
    ...["../b", "/b", "a//b", "./b", "a\\b", "a\nb", "b/"].map((path): [string, object] => [
      `the file ${JSON.stringify(path)}`,
      { name: "a", instructions: "x", files: [{ path, content: "" }] },
    ]),
  ])("what is wrong is refused, and nothing is added: %s", async (_what, body) => {
    const daemon = await serve();
    const { status, code } = await daemon.http.refusal("addSkill", { body });
    expect([400, 422]).toContain(status);
    expect(["skill_invalid", "request_body_invalid"]).toContain(code);
    expect(await daemon.names()).toEqual([]);
  });
});
