import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { type OpenStore, useDaemon } from "./fixture.ts";
import { ASKING, bash, ENDLESS, GATED, say, script } from "./script.ts";
import { runIn } from "./stream.ts";

/** Every state in which a run holds its session's slot, and what brings it there. */
const ACTIVE = [
  { status: "running", what: "a model call", content: ENDLESS },
  { status: "waiting_for_approval", what: "an approval", content: GATED },
  { status: "waiting_for_user_question", what: "a question", content: ASKING },
] as const;

export function ending(openStore: OpenStore): void {
  const fixture = useDaemon(openStore);
  const { api } = fixture;
  const at = (session_id: string) => ({ params: { session_id } });
  const cancel = ({ run_id }: RunView) => api.call("cancelRun", { params: { run_id } });

  describe("cancel", () => {
    test.each(ACTIVE)(
      "01-R49 a run within $what: ended, the slot is free, the next starts",
      async ({ status, content }) => {
        const active = await fixture.begin(content);
        await fixture.reaches(active.run_id, status);
        const next = await fixture.submit(active.session_id, script(say("next")));
        const cancelled = await cancel(active);
        expect(cancelled).toMatchObject({ run_id: active.run_id, status: "cancelled" });
        expect(cancelled.finished_at_ms).toBeDefined();
        for (const gone of ["error", "pending_approvals", "pending_questions", "pending_approval_ids"]) {
          expect(cancelled).not.toHaveProperty(gone);
        }
        expect((await fixture.settles(next.run_id)).status).toBe("completed");
        expect((await fixture.movesOf(active.run_id)).at(-1)).toBe("cancelled");
        const { snapshot, active_run_id } = await api.call("getSession", at(active.session_id));
        expect(snapshot).toMatchObject({ pending_approvals: [], pending_questions: [] });
        expect(active_run_id).toBeUndefined();
      },
    );

    test("01-R49 a queued run: it never starts, and those behind it move up", async () => {
      const active = await fixture.beginWaiting(ASKING);
      const [second, third] = [
        await fixture.submit(active.session_id, script(say("second"))),
        await fixture.submit(active.session_id, script(say("third"))),
      ];
      const cancelled = await cancel(second);
      expect(cancelled.status).toBe("cancelled");
      expect(cancelled).not.toHaveProperty("started_at_ms");
      expect(cancelled).not.toHaveProperty("queued_position");
      expect(await fixture.movesOf(second.run_id)).toEqual(["accepted", "queued", "cancelled"]);
      expect((await fixture.run(third.run_id)).queued_position).toBe(1);
      expect((await api.call("getSession", at(active.session_id))).queued_run_count).toBe(1);
      await cancel(active);
      expect((await fixture.settles(third.run_id)).outputs).toMatchObject([{ content: "third" }]);
      expect((await fixture.run(second.run_id)).status).toBe("cancelled");
    });

    test("01-R49 a run that is over: the same view, and nothing is written", async () => {
      const session_id = await fixture.session();
      const completed = await fixture.finish(session_id, script(say("done")));
      const other = await fixture.begin(ENDLESS);
      const cancelled = await cancel(other);
      for (const run of [completed, cancelled]) {
        await fixture.leavesAlone(run.session_id, async () => {
          expect(await cancel(run)).toMatchObject({ run_id: run.run_id, status: run.status });
        });
      }
    });

    test("01-R49 twenty cancels at once are one", async () => {
      const run = await fixture.beginWaiting(GATED);
      const all = await Promise.all(Array.from({ length: 20 }, () => cancel(run)));
      expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["cancelled"]));
      expect(new Set(all.map(({ finished_at_ms }) => finished_at_ms)).size).toBe(1);
      const moves = await fixture.movesOf(run.run_id);
      expect(moves.filter((type) => type === "cancelled")).toHaveLength(1);
    });

    test("01-R49 a command that runs is told to stop, and nothing of the run is written after its end", async () => {
      const started = join(fixture.daemon.workspace, "started");
      const finished = join(fixture.daemon.workspace, "finished");
      const run = await fixture.beginWaiting(
        script(bash("touch started; sleep 30; touch finished"), say("never")),
      );
      const stream = await fixture.stream("runStream", { params: { run_id: run.run_id } });
      const [request_id = ""] = run.pending_approval_ids ?? [];
      await api.call("resolveRunApprovals", {
        params: { run_id: run.run_id },
        body: { resolutions: [{ request_id, behavior: "allow" }] },
      });
      await stream.until(({ data }) => data.type === "trace" && data.trace.kind === "tool_call_started");
      await expect.poll(() => existsSync(started), { timeout: 5_000, interval: 10 }).toBe(true);
      await cancel(run);
      const next = await fixture.finish(run.session_id, script(say("next")));
      expect(next.status).toBe("completed");
      expect(existsSync(finished)).toBe(false);
      const log = await api.call("sessionEvents", at(run.session_id));
      const end = log.run_events.find(
        (entry) => entry.run_id === run.run_id && entry.event.type === "cancelled",
      );
      const late = log.session.journal.filter(
        (entry) => entry.run_id === run.run_id && entry.offset > (end?.seq ?? 0),
      );
      expect(late).toEqual([]);
    });

    test("01-A1 what it waited for cannot be answered any more", async () => {
      const approval = await fixture.beginWaiting(GATED);
      await cancel(approval);
      const [request_id = ""] = approval.pending_approval_ids ?? [];
      const allowed = await api.refusal("resolveRunApprovals", {
        params: { run_id: approval.run_id },
        body: { resolutions: [{ request_id, behavior: "allow" }] },
      });
      expect(allowed).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });

      const question = await fixture.beginWaiting(ASKING);
      await cancel(question);
      const answered = await api.refusal("answerRunQuestion", {
        params: { run_id: question.run_id },
        body: { resolution: { request_id: "question-request-sim-0-0", declined: true } },
      });
      expect(answered).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
    });
  });

  describe("interrupt", () => {
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

    test("of a session that nobody knows: 404", async () => {
      const refused = await api.refusal("interruptSession", at("nobody"));
      expect(refused).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
    });
  });
}
