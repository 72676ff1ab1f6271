import { describe, expect, test } from "vitest";
import { problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ACTIVE, ASKING, ENDLESS, GATED, say, script } from "./support/script.ts";

export function input(fixture: Fixture): void {
  const { api } = fixture;
  const send = (session_id: string, content: string) =>
    api.call("sessionInput", { ...at(session_id), body: { content } });
  const refusal = (session_id: string, content: string) =>
    api.refusal("sessionInput", { ...at(session_id), body: { content } });

  /** The only run of a session, once it is there. */
  const onlyRun = async (session_id: string) => {
    const runs = () => fixture.runsOf(session_id);
    await expect.poll(runs, { interval: 5 }).toHaveLength(1);
    const [run] = await runs();
    if (run === undefined) throw new Error(`session '${session_id}' has no run`);
    return run;
  };

  describe("01-R25 answers when the run is at rest", () => {
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
      const broken = { error: { status: 400, message: "no way", times: 0 } };
      const refused = await refusal(session_id, script(broken));
      const { run_id, status, error } = await onlyRun(session_id);
      expect(status).toBe("failed");
      expect(error).toContain("no way");
      expect(refused).toMatchObject({ status: 500, code: "internal_error", run_id, detail: error });
    });

    test.each([
      ["cancelled", "cancelRun"],
      ["interrupted", "interruptSession"],
    ] as const)("%s by somebody else: 409 that names the run", async (status, endpoint) => {
      const session_id = await fixture.session();
      const waiting = refusal(session_id, ENDLESS);
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
        body: JSON.stringify({ content: ENDLESS }),
        signal: controller.signal,
      });
      const { run_id } = await onlyRun(session_id);
      controller.abort();
      await expect(abandoned).rejects.toThrow();
      // Other work comes and goes, and the run is still there.
      await fixture.finish(await fixture.session(), script(say("elsewhere")));
      expect((await fixture.cancel(run_id)).status).toBe("cancelled");
      expect(await fixture.movesOf(run_id)).toEqual(["accepted", "started", "cancelled"]);
    });
  });

  describe("01-R24 needs a session at rest", () => {
    test.each(ACTIVE)(
      "409 session_busy within $what, before any side effect",
      async ({ status, content }) => {
        const { session_id, run_id } = await fixture.begin(content);
        await fixture.reaches(run_id, status);
        await fixture.leavesAlone(session_id, async () => {
          const busy = await refusal(session_id, "hello");
          expect(busy).toMatchObject({ status: 409, domain: "sessions", code: "session_busy" });
        });
        await fixture.cancel(run_id);
        expect((await send(session_id, script(say("now")))).snapshot.last_assistant_message).toBe("now");
      },
    );

    test("of ten callers at once one is served, the others are told that it is busy", async () => {
      const session_id = await fixture.session();
      const path = `/v1/sessions/${session_id}/input`;
      const replies = Array.from({ length: 10 }, () => api.post(path, { content: ENDLESS }));
      const { run_id } = await onlyRun(session_id);
      let answered = 0;
      for (const reply of replies) void reply.then(() => (answered += 1));
      await expect.poll(() => answered, { interval: 5 }).toBe(9);
      await fixture.cancel(run_id);
      const codes = (await Promise.all(replies)).map((reply) => problemIn(reply, path).code);
      expect(codes.toSorted()).toEqual(["conflict", ...Array.from({ length: 9 }, () => "session_busy")]);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });
  });

  describe("01-R28 under an idempotency key", () => {
    const call = (session_id: string, content: string) => ({
      ...at(session_id),
      body: { content },
      headers: { "idempotency-key": "input" },
    });

    test("a repetition waits for the same run, also when it is over", async () => {
      const session_id = await fixture.session();
      const once = call(session_id, script({ delay_ms: 50, text: "once" }));
      const two = await Promise.all([api.call("sessionInput", once), api.call("sessionInput", once)]);
      const later = await api.call("sessionInput", once);
      for (const view of [...two, later]) expect(view.outputs).toMatchObject([{ content: "once" }]);
      expect(await fixture.runsOf(session_id)).toHaveLength(1);
    });

    test("another body is a conflict, and a detached submission is not a repetition", async () => {
      const session_id = await fixture.session();
      await api.call("sessionInput", call(session_id, script(say("inline"))));
      const other = await api.refusal("sessionInput", call(session_id, script(say("other"))));
      expect(other).toMatchObject({ status: 409, domain: "idempotency", code: "idempotency_conflict" });
      await api.call("submitRun", call(session_id, script(say("inline"))));
      expect(await fixture.runsOf(session_id)).toHaveLength(2);
    });
  });
}
