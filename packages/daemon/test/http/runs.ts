import { describe, expect, test } from "vitest";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, ask, ENDLESS, GATED, say, script, use } from "./script.ts";
import { runIn, showsEndOf } from "./stream.ts";

export function runs(openStore: OpenStore): void {
  const fixture = useDaemon(openStore, { permissionMode: "bypassPermissions" });
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });

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
      const resolution = { request_id: "question-request-sim-0-0", declined: true };
      await api.call("answerRunQuestion", { params: { run_id }, body: { resolution } });
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
      const resolution = { request_id: "question-request-sim-0-0", declined: true };
      for (const { run_id } of [holder, queued]) {
        await fixture.reaches(run_id, "waiting_for_user_question");
        await api.call("answerRunQuestion", { params: { run_id }, body: { resolution } });
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

    test("01-R52 events of a run that nobody knows: 404", async () => {
      for (const endpoint of ["getRun", "runEvents", "cancelRun", "runDebug", "runStream"] as const) {
        const refused = await api.refusal(endpoint, { params: { run_id: "run-999999" } });
        expect(refused).toMatchObject({ status: 404, domain: "runs", code: "run_not_found" });
      }
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
      const run = await fixture.settles((await fixture.begin(content, { completion_requirements })).run_id);
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

  describe("the queue", () => {
    test("01-R43 is first in, first out, one at a time, and no other session waits for it", async () => {
      const busy = await fixture.session();
      const holder = await fixture.submit(busy, ASKING);
      const queued = [];
      for (let index = 1; index <= 6; index++) {
        const run = await fixture.submit(busy, script(say(`number ${index}`)));
        expect(run).toMatchObject({ status: "queued", queued_position: index });
        queued.push(run);
      }
      const elsewhere = await fixture.settles((await fixture.begin(script(say("free")))).run_id);
      expect(elsewhere.status).toBe("completed");

      const stream = await fixture.stream("sessionStream", { ...at(busy), query: { cursor: "0" } });
      await fixture.reaches(holder.run_id, "waiting_for_user_question");
      const resolution = { request_id: "question-request-sim-0-0", declined: true };
      await api.call("answerRunQuestion", { params: { run_id: holder.run_id }, body: { resolution } });
      const last = queued.at(-1)?.run_id ?? "";
      await stream.until(showsEndOf(last));
      const moves = stream.frames.flatMap((frame) => {
        const run = runIn(frame);
        return run === undefined || run.run_id === holder.run_id || run.status === "queued"
          ? []
          : [`${run.run_id} ${run.status}`];
      });
      expect(moves).toEqual(queued.flatMap(({ run_id }) => [`${run_id} running`, `${run_id} completed`]));
      expect(await fixture.movesOf(last)).toEqual(["accepted", "queued", "started", "output", "completed"]);
    });

    test("01-R40 01-R46 a run that waits for a human keeps the slot; positions follow every shift", async () => {
      const session_id = await fixture.session();
      const holder = await fixture.submit(session_id, ASKING);
      const queued = [];
      for (const name of ["a", "b", "c"]) queued.push(await fixture.submit(session_id, script(say(name))));
      await fixture.reaches(holder.run_id, "waiting_for_user_question");
      const [a, b, c] = queued.map(({ run_id }) => run_id);
      if (a === undefined || b === undefined || c === undefined) throw new Error("three runs were submitted");
      const positions = async () =>
        (await fixture.runsOf(session_id)).flatMap(({ run_id, queued_position }) =>
          queued_position === undefined ? [] : [`${run_id}: ${queued_position}`],
        );
      expect(await positions()).toEqual([`${a}: 1`, `${b}: 2`, `${c}: 3`]);
      await api.call("cancelRun", { params: { run_id: a } });
      expect(await positions()).toEqual([`${b}: 1`, `${c}: 2`]);
      const late = await fixture.submit(session_id, script(say("d")));
      expect(late.queued_position).toBe(3);
      await api.call("interruptSession", { ...at(session_id), query: { clear_queue: "true" } });
    });

    test("01-R46 whoever watches sees each new position", async () => {
      const session_id = await fixture.session();
      const holder = await fixture.submit(session_id, ENDLESS);
      const first = await fixture.submit(session_id, ENDLESS);
      const second = await fixture.submit(session_id, "hi");
      expect(second.queued_position).toBe(2);
      const stream = await fixture.stream("sessionStream", at(session_id));
      await api.call("cancelRun", { params: { run_id: holder.run_id } });
      await stream.until((frame) => runIn(frame)?.status === "running");
      await api.call("cancelRun", { params: { run_id: second.run_id } });
      await stream.until(showsEndOf(second.run_id));
      const shown = stream.frames
        .flatMap((frame) => runIn(frame) ?? [])
        .filter((run) => run.run_id === second.run_id);
      expect(shown.map((run) => run.queued_position)).toEqual([1, undefined]);
      await api.call("cancelRun", { params: { run_id: first.run_id } });
    });

    test.each([
      ["completes", script(say("first"))],
      ["fails", script({ error: { status: 400, message: "broken", times: 0 } })],
    ])("01-R47 the next starts when the active run %s", async (_how, content) => {
      const session_id = await fixture.session();
      const first = await fixture.submit(session_id, content);
      const next = await fixture.finish(session_id, script(say("next")));
      expect(next.status).toBe("completed");
      expect(next.started_at_ms).toBeGreaterThanOrEqual(
        (await fixture.run(first.run_id)).finished_at_ms ?? 0,
      );
    });

    test("01-R43 thirty runs submitted at once to one session all run, in the order of acceptance", async () => {
      const session_id = await fixture.session();
      const submitted = await Promise.all(
        Array.from({ length: 30 }, (_, index) => fixture.submit(session_id, script(say(`run ${index}`)))),
      );
      await Promise.all(submitted.map(({ run_id }) => fixture.settles(run_id)));
      const log = await api.call("sessionEvents", at(session_id));
      const order = (type: string) =>
        log.run_events.flatMap((one) => (one.event.type === type ? [one.run_id] : []));
      expect(order("accepted")).toHaveLength(30);
      expect(order("started")).toEqual(order("accepted"));
      expect(order("completed")).toEqual(order("accepted"));
    });
  });

  describe("debug evidence", () => {
    test("was not captured: none to read, none to prune", async () => {
      const { run_id } = await fixture.settles((await fixture.begin("hi")).run_id);
      expect(await api.call("runDebug", { params: { run_id } })).toEqual({
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

  test("under bypassPermissions nothing waits for approval", async () => {
    const run = await fixture.settles((await fixture.begin(GATED)).run_id);
    expect(await fixture.movesOf(run.run_id)).not.toContain("waiting_for_approval");
    expect(run.outputs?.[0]?.content).toContain('"stdout":"ran\\n"');
  });
}
