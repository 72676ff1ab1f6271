import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RunView } from "@kheish/contract";
import { expect, test } from "vitest";
import { ALLOW, Approver, batch, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ACTIVE, ASKING, bash, ENDLESS, FIRST_QUESTION, GATED, say, script } from "./support/script.ts";

export function cancelling(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);
  const cancel = ({ run_id }: RunView) => fixture.cancel(run_id);

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
      script(bash("touch started; sleep 600; touch finished"), say("never")),
    );
    const stream = await fixture.stream("runStream", of(run.run_id));
    await approver.decide(run, [requestOf(run), ALLOW]);
    await stream.until(({ data }) => data.type === "trace" && data.trace.kind === "tool_call_started");
    await expect.poll(() => existsSync(started), { interval: 10 }).toBe(true);
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
    const allowed = await approver.refusal(approval, batch([requestOf(approval), ALLOW]));
    expect(allowed).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });

    const question = await fixture.beginWaiting(ASKING);
    await cancel(question);
    const answered = await api.refusal("answerRunQuestion", {
      ...of(question.run_id),
      body: { resolution: { request_id: FIRST_QUESTION, declined: true } },
    });
    expect(answered).toMatchObject({ status: 409, domain: "runs", code: "run_state_conflict" });
  });
}
