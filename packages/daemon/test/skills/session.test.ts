import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useSkills, writeSkill } from "./support.ts";

const { folder, serve } = useSkills();
const ERROR = { error: expect.any(String) };

describe("03-R72 a skill that an operator makes active", () => {
  test("03-R72: stands in the session, survives restart, replacement and removal of the skill, and ends when told to", async () => {
    const daemon = await serve();
    await daemon.session();
    const added = await daemon.addSkill("review", { version: "1", blocked_tools: ["write_file"] });
    const active = await daemon.activate("review", { args: "PR 7", reason: "as agreed" });
    expect(active).toMatchObject({
      name: "review",
      version: "1",
      digest: added.digest,
      context: "inline",
      blocked_tools: ["write_file"],
      activation_reason: "as agreed",
      activated_by: "operator",
    });
    expect(JSON.stringify(active)).not.toContain("Do the work");
    await daemon.http.call("setSkill", {
      params: { skill_name: "review" },
      body: { instructions: "Other." },
    });
    await daemon.http.call("removeSkill", { params: { skill_name: "review" } });
    await daemon.daemon.restart();
    const view = () => daemon.http.call("getSession", { params: { session_id: "s" } });
    expect((await view()).active_skills).toEqual([active]);
    expect(await daemon.deactivate("review")).toEqual(active);
    expect((await view()).active_skills).toBeUndefined();
    expect(await daemon.http.refusal("deactivateSkill", daemon.place("review"))).toMatchObject({
      status: 404,
      code: "skill_not_active",
    });
    const { session } = await daemon.http.call("sessionEvents", { params: { session_id: "s" } });
    expect(session.journal.map(({ event }) => event.type)).toEqual([
      "session_created",
      "skill_activated",
      "session_updated",
      "skill_deactivated",
      "session_updated",
    ]);
    expect(session.journal[1]?.event).toMatchObject({
      skill: { args: "PR 7", instructions: "Do the work.", digest: added.digest },
    });
  });

  test.each<[string, object]>([
    ["a fork", { context: "fork" }],
    ["a profile", { agent_profile: "verification" }],
    ["a route", { provider: "r" }],
    ["a model", { model: "m" }],
    ["a fallback model", { fallback_model: "m" }],
  ])("03-R72: one that needs %s is refused", async (_what, runtime) => {
    const daemon = await serve();
    await daemon.session();
    await daemon.addSkill("a", runtime);
    expect(await daemon.http.refusal("activateSkill", daemon.place("a"))).toMatchObject({
      status: 409,
      code: "skill_not_inline",
    });
    const told = await daemon.called("s", "use_skill", { name: "a" });
    expect(told).toMatchObject({ code: "skill_not_inline", error: expect.any(String) });
    expect(
      (await daemon.http.call("getSession", { params: { session_id: "s" } })).active_skills,
    ).toBeUndefined();
  });

  test("01-R15: not while there is work, which would go on under other rules", async () => {
    const daemon = await serve({ permissionMode: "default" });
    await daemon.session();
    await daemon.addSkill("a");
    const run = await daemon.play("s", [daemon.callOf("bash", { command: "true" })]);
    await daemon.reaches(run, "waiting_for_approval");
    for (const endpoint of ["activateSkill", "deactivateSkill"] as const)
      expect(await daemon.http.refusal(endpoint, daemon.place("a"))).toMatchObject({
        code: "session_not_idle",
      });
  });

  test("there are eight at most, and activating one again is in its place", async () => {
    const daemon = await serve();
    await daemon.session();
    for (let n = 0; n < 9; n++) await daemon.addSkill(`s${n}`);
    for (let n = 0; n < 8; n++) await daemon.activate(`s${n}`);
    expect(await daemon.http.refusal("activateSkill", daemon.place("s8"))).toMatchObject({
      status: 409,
      code: "skill_limit_reached",
    });
    await daemon.activate("s0", { args: "again" });
    const { active_skills } = await daemon.http.call("getSession", { params: { session_id: "s" } });
    expect(active_skills?.map(({ name }) => name)).toEqual(["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s0"]);
  });
});

describe("what a skill leaves an agent", () => {
  const WRITE = { path: "a.txt", content: "x" };

  test("03 weakness: its lists are the surface while it is active, and the operator's end gives back what it took", async () => {
    const daemon = await serve();
    await daemon.session();
    await daemon.addSkill("look", {
      allowed_tools: ["read_*", "grep_search"],
      blocked_tools: ["read_secret"],
    });
    await daemon.activate("look");
    const told = await daemon.called("s", "write_file", WRITE);
    expect(told).toEqual({
      error: "tool 'write_file' is unavailable for this agent while skill 'look' is active",
    });
    expect(await daemon.called("s", "grep_search", { pattern: "x" })).toMatchObject({ matches: [] });
    expect(await daemon.called("s", "list_skills")).toMatchObject({ count: 1 });
    const check = { body: { tool_name: "write_file", session_id: "s" } };
    expect(await daemon.http.call("checkPermission", check)).toMatchObject({
      decision: "deny",
      reason: "tool 'write_file' is unavailable for this agent while skill 'look' is active",
    });
    expect(await daemon.called("s", "end_skill", { name: "look" })).toMatchObject({
      error: "an operator made skill 'look' active, and ends it",
    });
    await daemon.called("s", "use_skill", { name: "look" });
    expect(await daemon.called("s", "end_skill", { name: "look" })).toMatchObject(ERROR);
    await daemon.deactivate("look");
    expect(await daemon.called("s", "write_file", WRITE)).toMatchObject({ bytes_written: 1 });
  });

  test("03 weakness: of several active skills every one has to leave a tool", async () => {
    const daemon = await serve();
    await daemon.session();
    await daemon.addSkill("one", { allowed_tools: ["read_file", "write_file"] });
    await daemon.addSkill("two", { blocked_tools: ["write*"] });
    await daemon.activate("one");
    expect(await daemon.called("s", "write_file", WRITE)).toMatchObject({ bytes_written: 1 });
    await daemon.activate("two");
    expect(await daemon.called("s", "write_file", WRITE)).toMatchObject(ERROR);
    expect(await daemon.called("s", "bash", { command: "true" })).toMatchObject(ERROR);
  });

  test("a call of the same turn that comes after the skill is bound by it already", async () => {
    const daemon = await serve();
    await daemon.session();
    await daemon.addSkill("look", { blocked_tools: ["write_file"] });
    const both = {
      tool_calls: [
        { name: "use_skill", input: { name: "look" } },
        { name: "write_file", input: WRITE },
      ],
    };
    const told = await daemon.result(await daemon.play("s", [both, { text: "{{last_tool_output}}" }]));
    expect(told).toMatchObject({ error: expect.stringContaining("'look' is active") });
    const ends = { tool_calls: [{ name: "end_skill", input: { name: "look" } }, both.tool_calls[1]] };
    expect(
      await daemon.result(await daemon.play("s", [ends, { text: "{{last_tool_output}}" }])),
    ).toMatchObject(ERROR);
    expect(await daemon.called("s", "write_file", WRITE)).toMatchObject({ bytes_written: 1 });
  });
});

describe("03-R75 a capability scope", () => {
  test("03-R75: hides skills from the session's list, its tools, its active set and activation alike", async () => {
    const daemon = await serve();
    await daemon.addSkill("open", { files: [{ path: "a.md", content: "text" }] });
    await daemon.addSkill("shut", { files: [{ path: "a.md", content: "text" }] });
    await daemon.session("s", { capability_scope: { skill_deny: ["shut"] } });
    const list = () => daemon.http.call("listSessionSkills", { params: { session_id: "s" } });
    expect((await list()).map(({ name, active }) => [name, active])).toEqual([["open", false]]);
    expect(await daemon.called("s", "list_skills")).toEqual({
      count: 1,
      skills: [{ name: "open", description: "Does open", context: "inline" }],
    });
    for (const [tool, input] of [
      ["use_skill", { name: "shut" }],
      ["read_skill_file", { name: "shut", path: "a.md" }],
    ] as const)
      expect(await daemon.called("s", tool, input)).toEqual({
        error: "there is no skill 'shut': list_skills has their names",
        code: "skill_not_found",
      });
    expect(await daemon.http.refusal("activateSkill", daemon.place("shut"))).toMatchObject({
      status: 404,
      code: "skill_not_found",
    });
    expect(await daemon.called("s", "read_skill_file", { name: "open", path: "a.md" })).toMatchObject({
      content: "text",
    });
    await daemon.activate("open");
    expect((await list()).map(({ active }) => active)).toEqual([true]);
    await daemon.http.call("putCapabilityScope", {
      params: { session_id: "s" },
      body: { capability_scope: { skill_allow: ["shut"] } },
    });
    expect((await list()).map(({ name, active }) => [name, active])).toEqual([["shut", false]]);
    const session = await daemon.http.call("getSession", { params: { session_id: "s" } });
    expect(session.active_skills).toBeUndefined();
  });

  test("03-R75: that hides an active skill gives no tool back", async () => {
    const daemon = await serve();
    await daemon.addSkill("look", { blocked_tools: ["write_file"] });
    await daemon.session();
    await daemon.activate("look");
    await daemon.http.call("putCapabilityScope", {
      params: { session_id: "s" },
      body: { capability_scope: { skill_deny: ["*"] } },
    });
    const input = { path: "a.txt", content: "x" };
    expect(await daemon.called("s", "write_file", input)).toMatchObject(ERROR);
    await daemon.deactivate("look");
    expect(await daemon.called("s", "write_file", input)).toMatchObject({ bytes_written: 1 });
  });

  test("01 HTTP: the session's list takes a query, and a limit from 1 to 50", async () => {
    const daemon = await serve();
    await daemon.session();
    for (let n = 0; n < 15; n++) await daemon.addSkill(`s${String(n).padStart(2, "0")}`);
    const list = (query: Record<string, string>) =>
      daemon.http.call("listSessionSkills", { params: { session_id: "s" }, query });
    expect(await list({})).toHaveLength(15);
    expect((await list({ limit: "2" })).map(({ name }) => name)).toEqual(["s00", "s01"]);
    expect((await list({ query: "s07" })).map(({ name }) => name)).toEqual(["s07"]);
    for (const limit of ["0", "51", "x"])
      expect(
        await daemon.http.refusal("listSessionSkills", { params: { session_id: "s" }, query: { limit } }),
      ).toMatchObject({ code: "invalid_limit" });
    expect(await daemon.http.refusal("listSessionSkills", { params: { session_id: "no" } })).toMatchObject({
      code: "session_not_found",
    });
  });
});

describe("read_skill_file", () => {
  test("reads text of a skill's folder, wherever that is, and nothing else", async () => {
    const root = await folder();
    await writeSkill(join(root, "a"), {
      files: { "ref/t.md": "template", "z.bin": new Uint8Array([255, 0]) },
    });
    const daemon = await serve({ skills: { explicit: [root] } });
    await daemon.session();
    const read = (path: string) => daemon.called("s", "read_skill_file", { name: "a", path });
    expect(await read("ref/t.md")).toMatchObject({
      name: "a",
      path: "ref/t.md",
      content: "template",
      size_bytes: 8,
      truncated: false,
    });
    expect(await read("z.bin")).toEqual({ error: "'z.bin' of skill 'a' is not text" });
    for (const path of ["../a/SKILL.md", "/etc/hostname", "nothing"])
      expect(await read(path)).toMatchObject({ ...ERROR, files: ["SKILL.md", "ref/t.md", "z.bin"] });
    await writeSkill(join(root, "a"), { files: { "ref/t.md": "other" } });
    expect(await read("ref/t.md")).toMatchObject({
      error: expect.stringContaining("has changed since it was loaded"),
    });
    await daemon.reload();
    expect(await read("ref/t.md")).toMatchObject({ content: "other" });
  });
});
