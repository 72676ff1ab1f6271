import { afterEach, expect, test } from "vitest";
import { ALLOW, Approver, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { bash, GATED, say, script, use } from "./support/script.ts";

export function permissionMode(fixture: Fixture): void {
  const { api } = fixture;
  const set = (mode: "default" | "acceptEdits" | "bypassPermissions" | "plan" | "dontAsk") =>
    api.call("setPermissionMode", { body: { mode } });
  afterEach(() => set("default"));

  test("02-R15 changes with a revision, and only from the one that the caller knows", async () => {
    const { config } = await api.call("getRuntime");
    const body = { mode: "plan" as const, expected_revision: config.revision };
    const changed = await api.call("setPermissionMode", { body });
    expect(changed).toMatchObject({
      permission_mode: "plan",
      config: { revision: config.revision + 1, persisted: true },
    });
    expect(await api.call("getRuntime")).toEqual(changed);

    const stale = await api.refusal("setPermissionMode", { body });
    expect(stale).toMatchObject({ status: 409, domain: "runtime", code: "runtime_revision_conflict" });
    expect(await api.call("getRuntime")).toEqual(changed);
    expect(await set("dontAsk")).toMatchObject({ config: { revision: config.revision + 2 } });
  });

  test("02-R15 of ten callers who know the same revision one changes it", async () => {
    const { revision } = (await api.call("getRuntime")).config;
    const body = { mode: "default", expected_revision: revision };
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => api.post("/v1/runtime/permission-mode", body)),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(9);
    expect((await api.call("getRuntime")).config.revision).toBe(revision + 1);
  });

  test.each([
    ["default", "waiting_for_approval", undefined],
    ["acceptEdits", "waiting_for_approval", undefined],
    ["bypassPermissions", "completed", "ran"],
    ["dontAsk", "completed", "dontAsk denies"],
    ["plan", "completed", "plan mode allows only"],
  ] as const)("03-R22 under %s a run with a command is %s", async (mode, status, said) => {
    await set(mode);
    const { run_id, session_id } = await fixture.begin(GATED);
    const run = await fixture.reaches(run_id, status);
    if (said !== undefined) expect(run.outputs?.[0]?.content).toContain(said);
    const audits = await api.call("sessionPermissionAudits", at(session_id));
    expect(audits).toMatchObject([{ tool_name: "bash", base_decision: "ask", effective_mode: mode }]);
    await fixture.cancel(run_id);
  });

  test("03-R22 acceptEdits lets edits through", async () => {
    await set("acceptEdits");
    const edit = use("write_file", { path: "edit.txt", content: "x" });
    const run = await fixture.finish(await fixture.session(), script(edit, say("{{last_tool_output}}")));
    expect(run.outputs?.[0]?.content).toContain("bytes_written");
  });

  test("02-R15 is prospective: what waits goes on waiting, and the run's next call is under the new mode", async () => {
    const content = script(bash("true"), bash("echo second"), say("{{last_tool_output}}"));
    const run = await fixture.beginWaiting(content);
    await set("bypassPermissions");
    expect((await fixture.run(run.run_id)).status).toBe("waiting_for_approval");
    await new Approver(api).decide(run, [requestOf(run), ALLOW]);
    const done = await fixture.settles(run.run_id);
    expect(done.outputs?.[0]?.content).toContain("second");
    const moves = await fixture.movesOf(run.run_id);
    expect(moves.filter((type) => type === "waiting_for_approval")).toHaveLength(1);
  });
}
