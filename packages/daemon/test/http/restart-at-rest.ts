import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ALLOW, Approver, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ASKING, bash, say, script, use } from "./support/script.ts";

export function restartAtRest(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);

  /** Everything there is to see of some sessions, and of what they share. */
  const look = async (...sessions: string[]) => ({
    sessions: await api.call("listSessions"),
    runs: await api.call("listRuns"),
    questions: await api.call("listQuestions"),
    runtime: await api.call("getRuntime"),
    views: await Promise.all(
      sessions.map(async (id) => [
        await api.call("getSession", at(id)),
        await api.call("sessionEvents", at(id)),
        await api.call("sessionPermissionAudits", at(id)),
      ]),
    ),
  });

  test("01-R92 sessions, runs, settings, waits, queues and events are the same, to the last member", async () => {
    const settled = await fixture.session({ thread_id: "t", capability_scope: { skill_allow: ["a"] } });
    await fixture.finish(settled, script(use("noop", {}), say("done")));
    await fixture.finish(settled, script({ error: { status: 400, message: "broken", times: 0 } }));
    await api.call("putRoutePolicy", { ...at(settled), body: { route_policy: { provider: "second" } } });
    await api.call("putOperator", { ...at(settled), body: { operator: { enabled: true } } });
    const reply_targets = [{ plugin: "mail", address: { to: "a@b" } }];
    await api.call("putReplyTargets", { ...at(settled), body: { reply_targets } });
    await api.call("putToolOverrides", { ...at(settled), body: { tool_overrides: { disable: ["bash"] } } });
    await api.call("endSession", { ...at(settled), body: { reason: "over" } });
    const gated = await fixture.beginWaiting(script(bash("echo 1", "echo 2"), say("{{last_tool_output}}")));
    await approver.decide(gated, [requestOf(gated), ALLOW]);
    await fixture.submit(gated.session_id, script(say("behind")));
    const asking = await fixture.beginWaiting(ASKING);
    await api.call("setPermissionMode", { body: { mode: "acceptEdits" } });

    const before = await look(settled, gated.session_id, asking.session_id);
    for (let restarts = 0; restarts < 2; restarts++) {
      await fixture.daemon.restart();
      expect(await look(settled, gated.session_id, asking.session_id)).toEqual(before);
      const { oldest_event_id = "0", newest_event_id } = (await api.call("status")).events;
      expect(Number(oldest_event_id)).toBeLessThanOrEqual(Number(newest_event_id));
    }
    await api.call("setPermissionMode", { body: { mode: "default" } });
    for (const { session_id } of [gated, asking]) await fixture.quiet(session_id);
  });

  test("03-R35 an approval keeps its input and its place, and the answer resumes the same run", async () => {
    const run = await fixture.beginWaiting(script(bash("echo 1 >> both", "echo 2 >> both"), say("done")));
    const [one, two] = [requestOf(run), requestOf(run, 1)];
    await approver.decide(run, [two, ALLOW]);
    await fixture.daemon.restart();
    const waiting = await fixture.run(run.run_id);
    expect(waiting).toMatchObject({ status: "waiting_for_approval", pending_approval_ids: [one] });
    expect(waiting.pending_approvals).toEqual(run.pending_approvals?.slice(0, 1));
    // Decided before the restart, and still so after it.
    await approver.decide(run, [two, ALLOW]);
    await approver.decide(run, [one, ALLOW]);
    const done = await fixture.settles(run.run_id);
    expect(done).toMatchObject({ status: "completed", kind: "approval_resume" });
    expect(await readFile(join(fixture.daemon.workspace, "both"), "utf8")).toBe("1\n2\n");
    expect(await fixture.movesOf(run.run_id)).not.toContain("resumed");
  });

  test("01-R92 a question keeps the slot, and what is queued behind it its order", async () => {
    const run = await fixture.beginWaiting(ASKING);
    const first = await fixture.submit(run.session_id, script(say("first")));
    const second = await fixture.submit(run.session_id, script(say("second")));
    await fixture.daemon.restart();
    expect((await fixture.run(run.run_id)).pending_questions).toEqual(run.pending_questions);
    expect(await fixture.run(first.run_id)).toMatchObject({ status: "queued", queued_position: 1 });
    expect(await fixture.run(second.run_id)).toMatchObject({ status: "queued", queued_position: 2 });
    await fixture.decline(run.run_id);
    await fixture.settles(second.run_id);
    expect(await fixture.runsThat("completed", run.session_id)).toEqual(
      [run, first, second].map(({ run_id }) => run_id),
    );
  });

  test("01-R92 a deadline that passed while nobody was there holds at once", async () => {
    const session_id = await fixture.session();
    await api.call("putOperator", { ...at(session_id), body: { operator: { approval_timeout_ms: 300 } } });
    const content = script(bash("touch late"), say("{{last_tool_output}}"));
    const { run_id } = await fixture.submit(session_id, content);
    await fixture.reaches(run_id, "waiting_for_approval", "completed");
    await fixture.daemon.stop();
    const passed = Date.now() + 300;
    await expect.poll(() => Date.now(), { interval: 20 }).toBeGreaterThan(passed);
    await fixture.daemon.start();
    const run = await fixture.settles(run_id);
    expect(run.outputs?.[0]?.content).toContain("was not answered before");
  });

  test("01-R30 an idempotency key still stands for what it stood for", async () => {
    const session_id = await fixture.session();
    const submission = (content: string) => ({
      ...at(session_id),
      body: { content },
      headers: { "idempotency-key": "kept" },
    });
    const { run_id } = await api.call("submitRun", submission("one"));
    await fixture.settles(run_id);
    await fixture.daemon.restart();
    expect((await api.call("submitRun", submission("one"))).run_id).toBe(run_id);
    const other = await api.refusal("submitRun", submission("two"));
    expect(other).toMatchObject({ status: 409, code: "idempotency_conflict" });
    expect(await fixture.runsOf(session_id)).toHaveLength(1);
  });

  test("01, RunView: run numbers go on growing", async () => {
    const before = await fixture.begin("hi");
    await fixture.daemon.restart();
    const after = await fixture.begin("hi");
    expect(Number(after.run_id.slice("run-".length))).toBeGreaterThan(
      Number(before.run_id.slice("run-".length)),
    );
  });
}
