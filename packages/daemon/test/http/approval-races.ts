import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { problemIn } from "./support/client.ts";
import { ALLOW, Approver, DENY, requestOf } from "./support/decisions.ts";
import type { Fixture } from "./support/fixture.ts";
import { bash, GATED, say, script } from "./support/script.ts";

const RACES = 50;
const FEWER_RACES = 10;

export function approvalRaces(fixture: Fixture): void {
  const { api } = fixture;
  const approver = new Approver(api);
  const resolutionsOf = async (runId: string) =>
    (await fixture.movesOf(runId)).filter((type) => type === "approval_resolved");

  test(`01-A1 with different decisions: one of them counts, ${RACES} times over`, async () => {
    const session_id = await fixture.session();
    for (let race = 0; race < RACES; race++) {
      const { run_id } = await fixture.submit(session_id, script(bash(`touch race-${race}`), say("done")));
      const run = await fixture.reaches(run_id, "waiting_for_approval");
      const id = requestOf(run);
      const sides = race % 2 === 0 ? [ALLOW, DENY] : [DENY, ALLOW];
      const replies = await Promise.all(sides.map((side) => approver.attempt(run, [id, side])));
      expect(replies.map(({ status }) => status).toSorted()).toEqual([202, 409]);
      const winner = replies.findIndex(({ status }) => status === 202);
      const [lost] = replies.filter((_, side) => side !== winner);
      expect(lost && problemIn(lost, "the loser")).toMatchObject({
        domain: "approvals",
        code: "approval_state_conflict",
      });
      await fixture.settles(run_id);
      const ran = existsSync(join(fixture.daemon.workspace, `race-${race}`));
      expect(ran).toBe(sides[winner] === ALLOW);
      expect(await resolutionsOf(run_id)).toHaveLength(1);
    }
  });

  test("01-A1 with the same decision: both are answered, and it counts once", async () => {
    for (let race = 0; race < FEWER_RACES; race++) {
      const run = await fixture.beginWaiting(GATED);
      const id = requestOf(run);
      const both = await Promise.all([approver.decide(run, [id, ALLOW]), approver.decide(run, [id, ALLOW])]);
      expect(both.map(({ run_id }) => run_id)).toEqual([run.run_id, run.run_id]);
      await fixture.settles(run.run_id);
      expect(await resolutionsOf(run.run_id)).toHaveLength(1);
    }
  });

  test("03-R31 with one half of the batch each: both count", async () => {
    for (let race = 0; race < FEWER_RACES; race++) {
      const run = await fixture.beginWaiting(script(bash("true", "true"), say("done")));
      const [one, two] = [requestOf(run), requestOf(run, 1)];
      await Promise.all([approver.decide(run, [one, ALLOW]), approver.decide(run, [two, DENY])]);
      expect((await fixture.settles(run.run_id)).status).toBe("completed");
    }
  });

  test("03-R33 one of whom cancels the run: what it waited for is decided before that or not at all", async () => {
    for (let race = 0; race < FEWER_RACES; race++) {
      const run = await fixture.beginWaiting(script(bash("true"), { delay_ms: 600_000 }));
      const id = requestOf(run);
      const [, decision] = await Promise.all([
        fixture.cancel(run.run_id),
        approver.attempt(run, [id, ALLOW]),
      ]);
      expect([202, 409]).toContain(decision.status);
      const moves = await fixture.movesOf(run.run_id);
      expect(moves.at(-1)).toBe("cancelled");
      expect(moves.includes("approval_resolved")).toBe(decision.status === 202);
    }
  });
}
