import { describe, expect, test } from "vitest";
import { ALLOW, Approver, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, ask, say, script, use } from "./support/script.ts";
import { runIn, showsEndOf } from "./support/stream.ts";

export function runs(fixture: Fixture): void {
  const { api } = fixture;

  describe("a run from its beginning to its end", () => {
    test("01-R45 01-R52 one that starts at once was never queued", async () => {
      const run = await fixture.settles((await fixture.begin(script(use("noop", {}), say("hello")))).run_id);
      expect(run).toMatchObject({
        status: "completed",
        outputs: [{ run_id: run.run_id, content: "hello", source_kind: "assistant_text", address: null }],
        usage: { model_calls: 2, tool_calls: 1, restarts: 0 },
      });
      expect(run).not.toHaveProperty("error");
      expect(run).not.toHaveProperty("queued_position");
      expect(run.finished_at_ms).toBeGreaterThanOrEqual(run.started_at_ms ?? Number.POSITIVE_INFINITY);
      expect(await fixture.movesOf(run.run_id)).toEqual(["accepted", "started", "output", "completed"]);
      expect(await fixture.run(run.run_id)).toMatchObject({ deliveries: [] });
    });

    test("01-R52 one with a wait tells it in its events, the state last, each once", async () => {
      const { run_id } = await fixture.beginWaiting(script(ask("Sure?"), say("fine")));
      expect(await fixture.movesOf(run_id)).toEqual(["accepted", "started", "waiting_for_user_question"]);
      await fixture.decline(run_id);
      await fixture.settles(run_id);
      expect(await fixture.movesOf(run_id)).toEqual([
        "accepted",
        "started",
        "waiting_for_user_question",
        "user_question_resolved",
        "output",
        "completed",
      ]);
    });

    test("01-R37 its stream shows only transitions that are allowed, whatever it went through", async () => {
      const session_id = await fixture.session();
      const holder = await fixture.submit(session_id, ASKING);
      const queued = await fixture.submit(session_id, ASKING);
      await fixture.reaches(holder.run_id, "waiting_for_user_question");
      const stream = await fixture.stream("sessionStream", { ...at(session_id), query: { cursor: "0" } });
      for (const { run_id } of [holder, queued]) {
        await fixture.reaches(run_id, "waiting_for_user_question");
        await fixture.decline(run_id);
      }
      await stream.until(showsEndOf(queued.run_id));
      const seen = stream.frames.flatMap((frame) => runIn(frame) ?? []);
      const statuses = (run_id: string) =>
        seen.filter((run) => run.run_id === run_id).map((run) => run.status);
      const rest = ["running", "waiting_for_user_question", "running", "completed"];
      expect(statuses(holder.run_id)).toEqual(["queued", ...rest]);
      expect(statuses(queued.run_id)).toEqual(["queued", "queued", ...rest]);
    });

    test("01-R42 a failed one says why, and so does its session until the next run", async () => {
      const session_id = await fixture.session();
      const error = { status: 400, message: "no such thing", retryable: false };
      const run = await fixture.finish(session_id, script({ text: "", error }));
      expect(run.status).toBe("failed");
      expect(run.error).toContain("no such thing");
      expect(await fixture.movesOf(run.run_id)).toEqual(["accepted", "started", "failed"]);
      const { snapshot } = await api.call("getSession", at(session_id));
      expect(snapshot).toMatchObject({ agent: { status: "failed" }, last_error: run.error });

      await fixture.finish(session_id, script(say("better")));
      const after = (await api.call("getSession", at(session_id))).snapshot;
      expect(after).toMatchObject({
        agent: { status: "completed" },
        last_error: null,
        last_assistant_message: "better",
      });
      expect(after.agent.settled_at_ms).toBeDefined();
    });

    test("09-S5 a script that does not validate fails the run and names the place", async () => {
      const run = await fixture.settles((await fixture.begin('{"simulate": [{"txt": 1}]}')).run_id);
      expect(run.status).toBe("failed");
      expect(run.error).toContain("/simulate/0/txt");
    });
  });

  describe("01-R36 completion requirements", () => {
    const completion_requirements = [{ type: "workspace_file" as const, path: "report.md" }];

    test("unmet: the model is told, and then does it", async () => {
      const content = script(
        say("done?"),
        use("write_file", { path: "report.md", content: "all" }),
        say("done"),
      );
      const { run_id } = await fixture.begin(content, { completion_requirements });
      const asking = await fixture.reaches(run_id, "waiting_for_approval");
      await new Approver(api).decide(asking, [requestOf(asking), ALLOW]);
      const run = await fixture.settles(run_id);
      expect(run).toMatchObject({ status: "completed", outputs: [{ content: "done" }] });
    });

    test("unmet after two follow-ups: the run fails and names what is missing", async () => {
      const content = script(say("done"), say("really"), say("honestly"), say("never asked for"));
      const run = await fixture.settles((await fixture.begin(content, { completion_requirements })).run_id);
      expect(run).toMatchObject({ status: "failed", usage: { model_calls: 3 } });
      expect(run.error).toContain("report.md");
      expect(run).not.toHaveProperty("outputs");
    });
  });

  describe("debug evidence", () => {
    test("was not captured: none to read, none to prune", async () => {
      const { run_id } = await fixture.settles((await fixture.begin("hi")).run_id);
      expect(await api.call("runDebug", of(run_id))).toEqual({
        run_id,
        level: "off",
        artifacts: [],
      });
      const artifact = await api.refusal("runDebugArtifact", {
        params: { run_id, artifact_id: "turn-0000" },
      });
      expect(artifact).toMatchObject({ status: 404, domain: "runs", code: "run_debug_not_found" });
      const pruned = await api.call("pruneRuns", { body: { older_than_ms: 1 } });
      expect(pruned).toMatchObject({ dry_run: false, matched_run_count: 0, pruned_debug_run_ids: [] });
      expect(pruned.now_ms - pruned.cutoff_ms).toBe(1);
      for (const body of [{ older_than_ms: 0 }, { older_than_ms: -1 }, { older_than_ms: 1, limit: 0 }]) {
        const refused = await api.refusal("pruneRuns", { body });
        expect(refused).toMatchObject({ status: 400, domain: "runs", code: "run_retention_invalid_request" });
      }
    });
  });
}
