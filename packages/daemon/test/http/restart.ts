import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, bash, ENDLESS, say, script, use } from "./support/script.ts";

export function restart(fixture: Fixture): void {
  const { api } = fixture;
  const again = () => fixture.daemon.restart();
  const allow = (run: RunView, ...ids: string[]) =>
    api.call("resolveRunApprovals", {
      ...of(run.run_id),
      body: { resolutions: ids.map((request_id) => ({ request_id, behavior: "allow" as const })) },
    });

  describe("what is at rest stays as it is", () => {
    test("01-R92 sessions, runs, settings, waits, queues and events, to the last member", async () => {
      const settled = await fixture.session({ thread_id: "t", capability_scope: { skill_allow: ["a"] } });
      await fixture.finish(settled, script(use("noop", {}), say("done")));
      await fixture.finish(settled, script({ error: { status: 400, message: "broken", times: 0 } }));
      await api.call("putRoutePolicy", { ...at(settled), body: { route_policy: { provider: "second" } } });
      await api.call("putOperator", { ...at(settled), body: { operator: { enabled: true } } });
      await api.call("putReplyTargets", {
        ...at(settled),
        body: { reply_targets: [{ plugin: "mail", address: 1 }] },
      });
      await api.call("putToolOverrides", { ...at(settled), body: { tool_overrides: { disable: ["bash"] } } });
      await api.call("endSession", { ...at(settled), body: { reason: "over" } });
      const gated = await fixture.beginWaiting(script(bash("echo 1", "echo 2"), say("{{last_tool_output}}")));
      await allow(gated, gated.pending_approval_ids?.[0] ?? "");
      await fixture.submit(gated.session_id, script(say("behind")));
      const asking = await fixture.beginWaiting(ASKING);
      await api.call("setPermissionMode", { body: { mode: "acceptEdits" } });

      const look = async () => ({
        sessions: await api.call("listSessions"),
        runs: await api.call("listRuns"),
        questions: await api.call("listQuestions"),
        runtime: await api.call("getRuntime"),
        views: await Promise.all(
          [settled, gated.session_id, asking.session_id].map(async (id) => [
            await api.call("getSession", at(id)),
            await api.call("sessionEvents", at(id)),
            await api.call("sessionPermissionAudits", at(id)),
          ]),
        ),
      });
      const before = await look();
      await again();
      expect(await look()).toEqual(before);
      await again();
      expect(await look()).toEqual(before);

      await api.call("setPermissionMode", { body: { mode: "default" } });
      for (const { session_id } of [gated, asking]) {
        await fixture.quiet(session_id);
      }
    });

    test("03-R35 an approval, its input and its place in the batch; the answer resumes the same run", async () => {
      const run = await fixture.beginWaiting(script(bash("echo 1 >> both", "echo 2 >> both"), say("done")));
      const [one = "", two = ""] = run.pending_approval_ids ?? [];
      await allow(run, two);
      await again();
      const waiting = await fixture.run(run.run_id);
      expect(waiting).toMatchObject({ status: "waiting_for_approval", pending_approval_ids: [one] });
      expect(waiting.pending_approvals).toEqual(run.pending_approvals?.slice(0, 1));
      // Decided before the restart, and still so after it.
      await allow(run, two);
      await allow(run, one);
      const done = await fixture.settles(run.run_id);
      expect(done).toMatchObject({ status: "completed", kind: "approval_resume" });
      expect(await readFile(join(fixture.daemon.workspace, "both"), "utf8")).toBe("1\n2\n");
      expect(await fixture.movesOf(run.run_id)).not.toContain("resumed");
    });

    test("01-R92 a question and what is queued behind it", async () => {
      const run = await fixture.beginWaiting(ASKING);
      const queued = [];
      for (const name of ["a", "b"]) queued.push(await fixture.submit(run.session_id, script(say(name))));
      await again();
      expect((await fixture.run(run.run_id)).pending_questions).toEqual(run.pending_questions);
      expect(await fixture.run(queued[1]?.run_id ?? "")).toMatchObject({
        status: "queued",
        queued_position: 2,
      });
      await fixture.decline(run.run_id);
      for (const { run_id } of [run, ...queued])
        expect((await fixture.settles(run_id)).status).toBe("completed");
      const log = await api.call("sessionEvents", at(run.session_id));
      const finished = log.run_events.flatMap((one) => (one.event.type === "completed" ? [one.run_id] : []));
      expect(finished).toEqual([run, ...queued].map(({ run_id }) => run_id));
    });

    test("01-R30 an idempotency key, with what it stands for", async () => {
      const session_id = await fixture.session();
      const submit = (content: string) => ({
        ...at(session_id),
        body: { content },
        headers: { "idempotency-key": "kept" },
      });
      const run = await fixture.settles((await api.call("submitRun", submit("one"))).run_id);
      await again();
      expect((await api.call("submitRun", submit("one"))).run_id).toBe(run.run_id);
      expect(await api.refusal("submitRun", submit("two"))).toMatchObject({ code: "idempotency_conflict" });
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });

    test("run numbers go on growing", async () => {
      const before = await fixture.begin("hi");
      await again();
      const after = await fixture.begin("hi");
      expect(Number(after.run_id.slice(4))).toBeGreaterThan(Number(before.run_id.slice(4)));
    });
  });

  describe("what is at work goes on", () => {
    test("a model call that was cut off is made again", async () => {
      const { run_id } = await fixture.begin(script(use("noop", {}), { delay_ms: 400, text: "after all" }));
      const stream = await fixture.stream("runStream", { ...of(run_id), query: { cursor: "0" } });
      await stream.until(({ data }) => data.type === "trace" && data.trace.kind === "tool_call_finished");
      await again();
      const run = await fixture.settles(run_id);
      expect(run).toMatchObject({
        status: "completed",
        outputs: [{ content: "after all" }],
        usage: { tool_calls: 1 },
      });
      expect(await fixture.movesOf(run_id)).toEqual([
        "accepted",
        "started",
        "resumed",
        "output",
        "completed",
      ]);
    });

    test("a command that was stopped is not run again, and the model is told", async () => {
      const run = await fixture.beginWaiting(
        script(bash("echo ran >> count; sleep 30"), say("{{last_tool_output}}")),
      );
      const stream = await fixture.stream("runStream", of(run.run_id));
      await allow(run, run.pending_approval_ids?.[0] ?? "");
      await stream.until(({ data }) => data.type === "trace" && data.trace.kind === "tool_call_started");
      const count = () => readFile(join(fixture.daemon.workspace, "count"), "utf8").catch(() => "");
      await expect.poll(count, { timeout: 5_000, interval: 10 }).toBe("ran\n");
      await again();
      const done = await fixture.settles(run.run_id);
      expect(done.status).toBe("completed");
      expect(done.outputs?.[0]?.content).toContain("stopped before it finished");
      expect(await count()).toBe("ran\n");
    });

    test("a queue that was waiting its turn keeps its order", async () => {
      const session_id = await fixture.session();
      const submitted = [await fixture.submit(session_id, script({ delay_ms: 200, text: "first" }))];
      for (const name of ["second", "third", "fourth"]) {
        submitted.push(await fixture.submit(session_id, script(say(name))));
      }
      await again();
      for (const { run_id } of submitted) expect((await fixture.settles(run_id)).status).toBe("completed");
      const log = await api.call("sessionEvents", at(session_id));
      const order = (type: string) =>
        log.run_events.flatMap((one) => (one.event.type === type ? [one.run_id] : []));
      expect(order("started")).toEqual(submitted.map(({ run_id }) => run_id));
      expect(log.daemon_outputs.map(({ content }) => content)).toEqual([
        "first",
        "second",
        "third",
        "fourth",
      ]);
    });

    test("01-R92 a deadline that passed in between holds at once", async () => {
      const session_id = await fixture.session();
      await api.call("putOperator", { ...at(session_id), body: { operator: { approval_timeout_ms: 200 } } });
      const gated = await fixture.submit(session_id, script(bash("touch late"), say("{{last_tool_output}}")));
      await fixture.reaches(gated.run_id, "waiting_for_approval");
      await fixture.daemon.stop();
      const deadline = Date.now() + 250;
      await expect.poll(() => Date.now(), { timeout: 5_000, interval: 20 }).toBeGreaterThan(deadline);
      await fixture.daemon.start();
      const run = await fixture.settles(gated.run_id);
      expect(run.outputs?.[0]?.content).toContain("was not answered before");
    });

    test("submissions that were acknowledged while the daemon went down are not lost", async () => {
      const session_id = await fixture.session();
      const submissions = Array.from({ length: 60 }, (_, index) =>
        fixture.submit(session_id, script(say(`number ${index}`))).catch(() => undefined),
      );
      await submissions[20];
      await again();
      const acknowledged = (await Promise.all(submissions)).filter((run) => run !== undefined);
      expect(acknowledged.length).toBeGreaterThan(0);
      for (const { run_id } of acknowledged) expect((await fixture.settles(run_id)).status).toBe("completed");
      const runs = await fixture.runsOf(session_id);
      await Promise.all(runs.map(({ run_id }) => fixture.settles(run_id)));
      const log = await api.call("sessionEvents", at(session_id));
      expect(log.daemon_outputs).toHaveLength(runs.length);
    });
  });

  describe("01-R99 going down", () => {
    test("ends the streams", async () => {
      const run = await fixture.begin(ENDLESS);
      const streams = [
        await fixture.stream("eventsStream"),
        await fixture.stream("sessionStream", at(run.session_id)),
        await fixture.stream("runStream", of(run.run_id)),
      ];
      const ends = streams.map((stream) => stream.rest());
      await again();
      await Promise.all(ends);
      await fixture.cancel(run.run_id);
    });

    test("answers who waits inline with a problem that names the run, which then goes on", async () => {
      const session_id = await fixture.session();
      const body = { content: script({ delay_ms: 300, text: "in the end" }) };
      const waiting = api.refusal("sessionInput", { ...at(session_id), body });
      await expect.poll(() => fixture.runsOf(session_id), { timeout: 5_000, interval: 5 }).toHaveLength(1);
      await again();
      const [run] = await fixture.runsOf(session_id);
      expect(await waiting).toMatchObject({ status: 503, code: "daemon_draining", run_id: run?.run_id });
      expect(await fixture.settles(run?.run_id ?? "")).toMatchObject({
        outputs: [{ content: "in the end" }],
      });
    });

    test("takes no longer than it must, and is the same when it is asked for twice", async () => {
      const run = await fixture.begin(ENDLESS);
      const begun = performance.now();
      await Promise.all([fixture.daemon.stop(), fixture.daemon.stop()]);
      expect(performance.now() - begun).toBeLessThan(1_000);
      await fixture.daemon.start();
      await fixture.cancel(run.run_id);
    });

    test("01-R97 leaves the state root to the next daemon, and only then", async () => {
      await expect(fixture.daemon.start()).rejects.toThrow(join(fixture.daemon.directory, "state"));
      const { storage } = await api.call("status");
      expect(storage.state_root_lock).toMatchObject({ held: true });
    });
  });
}
