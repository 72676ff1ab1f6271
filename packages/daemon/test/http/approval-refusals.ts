import { describe, expect, test } from "vitest";
import { ALLOW, Approver, batch, DENY, type Decision, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { ASKING, bash, ENDLESS, GATED, say, script } from "./support/script.ts";

const UNASKED = batch(["approval-bash-0-00000000", ALLOW]);
const STATE_CONFLICT = { status: 409, domain: "approvals", code: "approval_state_conflict" };

export function approvalRefusals(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);

  describe("03-R30 a batch that cannot be applied whole is not applied at all", () => {
    test.each([
      ["an empty one", () => [], "approval_batch_empty"],
      ["one with a request twice", (id: string) => [id, id], "approval_duplicate_resolution"],
      ["one with an unknown request", (id: string) => [id, "approval-0"], "approval_request_not_pending"],
    ] as const)("%s", async (_what, ids, code) => {
      const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch(...ids(requestOf(run)).map((id): [string, Decision] => [id, ALLOW]));
        const refused = await approver.refusal(run, body);
        expect(refused).toMatchObject({ status: 400, domain: "approvals", code });
      });
    });

    test("one with a request of another run", async () => {
      const [run, other] = [await fixture.beginWaiting(GATED), await fixture.beginWaiting(GATED)];
      for (const { session_id } of [run, other]) {
        await fixture.leavesAlone(session_id, async () => {
          const body = batch([requestOf(run), ALLOW], [requestOf(other), ALLOW]);
          expect(await approver.refusal(run, body)).toMatchObject({
            status: 400,
            code: "approval_request_not_pending",
          });
        });
      }
    });

    test("one with a request that was decided otherwise", async () => {
      const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      const [one, two] = [requestOf(run), requestOf(run, 1)];
      await approver.decide(run, [one, ALLOW]);
      await fixture.leavesAlone(run.session_id, async () => {
        const body = batch([two, ALLOW], [one, DENY]);
        expect(await approver.refusal(run, body)).toMatchObject(STATE_CONFLICT);
      });
      // The same decision again is nothing new, and what is new beside it counts.
      expect((await approver.decide(run, [one, ALLOW], [two, ALLOW])).status).not.toBe(
        "waiting_for_approval",
      );
    });
  });

  describe("01-A1 in another state", () => {
    test("a run that runs: 409 approvals/approval_state_conflict", async () => {
      const run = await fixture.begin(ENDLESS);
      expect(await approver.refusal(run, UNASKED)).toMatchObject(STATE_CONFLICT);
      await fixture.cancel(run.run_id);
    });

    test("a run that waits for an answer: 409 approvals/approval_state_conflict", async () => {
      const run = await fixture.beginWaiting(ASKING);
      expect(await approver.refusal(run, UNASKED)).toMatchObject(STATE_CONFLICT);
    });

    test.each(["queued", "completed"])("a run that is %s: 409 runs/run_state_conflict", async (state) => {
      const session_id = await fixture.session();
      if (state === "queued") await fixture.submit(session_id, ASKING);
      const run = await fixture.submit(session_id, script(say("hello")));
      if (state === "completed") await fixture.settles(run.run_id);
      expect(await approver.refusal(run, UNASKED)).toMatchObject({
        status: 409,
        domain: "runs",
        code: "run_state_conflict",
      });
    });

    test("decided already: the same again is 202 and writes nothing, another is 409, however long ago", async () => {
      const run = await fixture.beginWaiting(script(bash("true"), say("done")));
      const id = requestOf(run);
      await approver.decide(run, [id, { ...DENY, reason: "no" }]);
      await fixture.settles(run.run_id);
      await fixture.leavesAlone(run.session_id, async () => {
        expect((await approver.decide(run, [id, { ...DENY, reason: "no" }])).status).toBe("completed");
        for (const other of [ALLOW, { ...DENY, reason: "another" }]) {
          expect(await approver.refusal(run, batch([id, other]))).toMatchObject(STATE_CONFLICT);
        }
      });
    });
  });
}
