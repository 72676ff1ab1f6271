import { describe, expect, test } from "vitest";
import type { Answer } from "./client.ts";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, ENDLESS, GATED, say, script } from "./script.ts";

export function input(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });
  const send = (session_id: string, content: string) =>
    api.call("sessionInput", { ...at(session_id), body: { content } });
  const sendInVain = (session_id: string, content: string) =>
    api.refusal("sessionInput", { ...at(session_id), body: { content } });

  /** The only run of a session, once it is there. */
  const onlyRun = async (session_id: string) => {
    const runs = () => fixture.runsOf(session_id);
    await expect.poll(runs, { timeout: 5_000, interval: 5 }).toHaveLength(1);
    const [run] = await runs();
    if (run === undefined) throw new Error(`session '${session_id}' has no run`);
    return run;
  };

  describe("01-R25 /input answers when the run is at rest", () => {
    test("completed: 200 with the session and what was said", async () => {
      const session_id = await fixture.session();
      const view = await send(session_id, script({ delay_ms: 20, text: "hello" }));
      expect(view).toMatchObject({
        session_id,
        snapshot: { agent: { status: "completed" }, last_assistant_message: "hello" },
        outputs: [{ content: "hello" }],
      });
      expect(view).not.toHaveProperty("active_run_id");
    });

    test.each([
      ["an approval", GATED, "waiting_for_approval", "pending_approvals"],
      ["a question", ASKING, "waiting_for_user_input", "pending_questions"],
    ] as const)("waiting for %s: 200 with what it waits for", async (_what, content, status, pending) => {
      const view = await send(await fixture.session(), content);
      expect(view.snapshot.agent.status).toBe(status);
      expect(view.snapshot[pending]).toHaveLength(1);
      expect(view.active_run_id).toBeDefined();
    });

    test("failed: a problem with the run's error, and the run that it belongs to", async () => {
      const session_id = await fixture.session();
      const refused = await sendInVain(
        session_id,
        script({ error: { status: 400, message: "no way", times: 0 } }),
      );
      const run = await onlyRun(session_id);
      expect(refused).toMatchObject({
        status: 500,
        code: "internal_error",
        run_id: run.run_id,
        detail: run.error,
      });
      expect(refused.detail).toContain("no way");
      expect(run.status).toBe("failed");
    });

    test.each([
      ["cancelled", "cancelRun"],
      ["interrupted", "interruptSession"],
    ] as const)("%s by somebody else: 409 that names the run", async (status, endpoint) => {
      const session_id = await fixture.session();
      const waiting = sendInVain(session_id, ENDLESS);
      const { run_id } = await onlyRun(session_id);
      await api.call(endpoint, { params: { session_id, run_id } });
      expect(await waiting).toMatchObject({ status: 409, code: "conflict", detail: `run ${status}`, run_id });
    });

    test("abandoned by its caller: the run goes on", async () => {
      const session_id = await fixture.session();
      const controller = new AbortController();
      const abandoned = fetch(api.url("sessionInput", at(session_id)), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ content: script({ delay_ms: 100, text: "still here" }) }),
        signal: controller.signal,
      });
      const { run_id } = await onlyRun(session_id);
      controller.abort();
      await expect(abandoned).rejects.toThrow();
      const run = await fixture.settles(run_id);
      expect(run).toMatchObject({ status: "completed", outputs: [{ content: "still here" }] });
    });
  });

  describe("01-R24 /input needs a session at rest", () => {
    test.each([
      ["runs", ENDLESS],
      ["waits for an approval", GATED],
      ["waits for an answer", ASKING],
    ])("409 session_busy while a run %s, before any side effect", async (_what, content) => {
      const { session_id, run_id } = await fixture.begin(content);
      if (content !== ENDLESS)
        await fixture.reaches(run_id, "waiting_for_approval", "waiting_for_user_question");
      await fixture.leavesAlone(session_id, async () => {
        expect(await sendInVain(session_id, "hello")).toMatchObject({
          status: 409,
          domain: "sessions",
          code: "session_busy",
        });
      });
      await api.call("cancelRun", { params: { run_id } });
      expect((await send(session_id, script(say("now")))).snapshot.last_assistant_message).toBe("now");
    });

    test("of ten callers at once one is served, the others are told that it is busy", async () => {
      const session_id = await fixture.session();
      const path = `/v1/sessions/${session_id}/input`;
      const replies = await Promise.all(
        Array.from({ length: 10 }, () =>
          api.send("POST", path, {
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ content: script({ delay_ms: 200, text: "served" }) }),
          }),
        ),
      );
      const served = replies.filter(({ status }) => status === 200);
      expect(served).toHaveLength(1);
      expect(replies.filter(({ status }) => status === 409)).toHaveLength(9);
      const view = JSON.parse(served[0]?.text ?? "") as Answer<"sessionInput">;
      expect(view.outputs).toHaveLength(1);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });

    test("a repetition under its idempotency key waits for the same run, also when it is over", async () => {
      const session_id = await fixture.session();
      const call = {
        ...at(session_id),
        body: { content: script({ delay_ms: 50, text: "once" }) },
        headers: { "idempotency-key": "input-1" },
      };
      const [one, other] = await Promise.all([
        api.call("sessionInput", call),
        api.call("sessionInput", call),
      ]);
      const later = await api.call("sessionInput", call);
      for (const view of [one, other, later]) expect(view.outputs).toMatchObject([{ content: "once" }]);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });
  });
}
