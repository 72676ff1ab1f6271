import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ACTIVE, ASKING, GATED, say, script } from "./support/script.ts";
import { runIn } from "./support/stream.ts";

export function interrupting(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R18 an idle session: nothing is interrupted, and nothing is written", async () => {
    const session_id = await fixture.session();
    await fixture.leavesAlone(session_id, async () => {
      const answer = await api.call("interruptSession", {
        ...at(session_id),
        query: { clear_queue: "true" },
      });
      expect(answer).toMatchObject({ interrupted: false, snapshot: { agent: { status: "idle" } } });
    });
  });

  test.each(ACTIVE)(
    "01-R18 a run within $what ends interrupted, and the session says so",
    async ({ status, content }) => {
      const run = await fixture.begin(content);
      await fixture.reaches(run.run_id, status);
      const stream = await fixture.stream("sessionStream", at(run.session_id));
      const answer = await api.call("interruptSession", at(run.session_id));
      expect(answer).toMatchObject({
        interrupted: true,
        snapshot: { agent: { status: "idle" }, pending_approvals: [], pending_questions: [] },
      });
      expect(await fixture.run(run.run_id)).toMatchObject({ status: "interrupted" });
      await stream.until(({ event }) => event === "session_state_changed");
      const moves = stream.frames.filter(({ event }) => event !== "trace");
      expect(moves.map((frame) => runIn(frame)?.status ?? frame.event)).toEqual([
        "interrupted",
        "interrupted",
        "session_snapshot",
        "session_state_changed",
      ]);
      expect(stream.frames.at(-1)?.data).toMatchObject({
        status: "idle",
        pending_approvals: 0,
        pending_questions: 0,
      });
    },
  );

  test("01-R18 queued runs stay, and the next one starts", async () => {
    const active = await fixture.beginWaiting(GATED);
    const next = await fixture.submit(active.session_id, ASKING);
    const last = await fixture.submit(active.session_id, script(say("last")));
    expect((await api.call("interruptSession", at(active.session_id))).interrupted).toBe(true);
    await fixture.reaches(next.run_id, "waiting_for_user_question");
    expect(await fixture.run(last.run_id)).toMatchObject({ status: "queued", queued_position: 1 });
    await api.call("interruptSession", at(active.session_id));
    expect((await fixture.settles(last.run_id)).status).toBe("completed");
  });

  test.each(ACTIVE)(
    "clear_queue=true cancels what waits behind $what, and the session is quiet",
    async ({ content }) => {
      const active = await fixture.begin(content);
      const behind = [];
      for (let index = 0; index < 3; index++)
        behind.push(await fixture.submit(active.session_id, script(say("no"))));
      const query = { clear_queue: "true" };
      const answer = await api.call("interruptSession", { ...at(active.session_id), query });
      expect(answer.interrupted).toBe(true);
      for (const { run_id } of behind) {
        expect(await fixture.run(run_id)).toMatchObject({ status: "cancelled" });
        expect(await fixture.movesOf(run_id)).toEqual(["accepted", "queued", "cancelled"]);
      }
      const view = await api.call("getSession", at(active.session_id));
      expect(view).toMatchObject({ queued_run_count: 0, snapshot: { agent: { status: "idle" } } });
      expect(view).not.toHaveProperty("active_run_id");
      await api.call("endSession", { ...at(active.session_id), body: {} });
    },
  );

  test("clear_queue=yes is refused, and nothing is stopped: it must not count as a no", async () => {
    const active = await fixture.beginWaiting(GATED);
    const query = { clear_queue: "yes" };
    const refused = await api.refusal("interruptSession", { ...at(active.session_id), query });
    expect(refused).toMatchObject({
      status: 400,
      code: "request_query_invalid",
      errors: [{ path: "/clear_queue", message: "must be true or false" }],
    });
    expect(await fixture.run(active.run_id)).toMatchObject({ status: "waiting_for_approval" });
    await api.call("interruptSession", at(active.session_id));
  });

  test("of a session that nobody knows: 404", async () => {
    const refused = await api.refusal("interruptSession", at("nobody"));
    expect(refused).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
  });
}
