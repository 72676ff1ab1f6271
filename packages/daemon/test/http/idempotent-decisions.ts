import { expect, test } from "vitest";
import { answers, COLOUR, cancellation, OTHER_COLOUR } from "./support/answers.ts";
import { ALLOW, batch, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { at, of } from "./support/params.ts";
import { ASKING, bash, say, script } from "./support/script.ts";

const UNDER_A_KEY = { headers: { "idempotency-key": "decide" } };
const CONFLICT = { status: 409, domain: "idempotency", code: "idempotency_conflict" };

export function idempotentDecisions(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R31 03-R34 approvals: repeated 202 with the run as it is, with another body 409", async () => {
    const run = await fixture.beginWaiting(script(bash("true", "false"), say("done")));
    const [first, second] = [requestOf(run), requestOf(run, 1)];
    const decision = (id: string) => ({ ...of(run.run_id), body: batch([id, ALLOW]), ...UNDER_A_KEY });
    const decided = await api.call("resolveRunApprovals", decision(first));
    expect(decided.pending_approval_ids).toEqual([second]);
    await fixture.leavesAlone(run.session_id, async () => {
      expect(await api.call("resolveRunApprovals", decision(first))).toEqual(decided);
      expect(await api.refusal("resolveRunApprovals", decision(second))).toMatchObject(CONFLICT);
    });
    await fixture.cancel(run.run_id);
    expect((await api.call("resolveRunApprovals", decision(first))).status).toBe("cancelled");
  });

  test("01-R31 an answer: repeated 202 also when the run is over, with another body 409", async () => {
    const run = await fixture.beginWaiting(ASKING);
    const answer = (option: typeof COLOUR) => ({ ...of(run.run_id), body: answers(option), ...UNDER_A_KEY });
    await api.call("answerRunQuestion", answer(COLOUR));
    await fixture.settles(run.run_id);
    await fixture.leavesAlone(run.session_id, async () => {
      expect((await api.call("answerRunQuestion", answer(COLOUR))).status).toBe("completed");
      expect(await api.refusal("answerRunQuestion", answer(OTHER_COLOUR))).toMatchObject(CONFLICT);
    });
  });

  test("01-R31 the cancellation of a question: repeated 200, with another body 409", async () => {
    const run = await fixture.beginWaiting(ASKING);
    const cancel = (justification: string) => ({
      ...cancellation(run),
      body: { justification },
      ...UNDER_A_KEY,
    });
    const cancelled = await api.call("cancelRunQuestion", cancel("moot"));
    expect(cancelled.status).toBe("cancelled");
    await fixture.leavesAlone(run.session_id, async () => {
      expect(await api.call("cancelRunQuestion", cancel("moot"))).toEqual(cancelled);
      expect(await api.refusal("cancelRunQuestion", cancel("another"))).toMatchObject(CONFLICT);
    });
  });

  test("01-R31 keys of different verbs never meet", async () => {
    const run = await fixture.beginWaiting(ASKING);
    const submission = { ...at(run.session_id), body: { content: "next" }, ...UNDER_A_KEY };
    const next = await api.call("submitRun", submission);
    await api.call("answerRunQuestion", { ...of(run.run_id), body: answers(COLOUR), ...UNDER_A_KEY });
    expect((await fixture.settles(next.run_id)).run_id).not.toBe(run.run_id);
  });
}
