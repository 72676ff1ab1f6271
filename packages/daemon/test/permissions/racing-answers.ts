import { isProblem } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const DAEMONS = 4;
const SESSIONS = 25;
const APPROVALS = 8;
const ANSWERS = 50;

const createRig = useRigs();

/** What each of the daemons opens; the same store where a file belongs to one process. */
export function racingAnswers(openStores: (count: number) => Promise<Store[]>): void {
  describe("answers that race", () => {
    test("03-R30 01-A1 of 10,000, given at four daemons, none decides what another has decided", {
      timeout: 300_000,
    }, async () => {
      expect(SESSIONS * APPROVALS * ANSWERS).toBe(10_000);
      const ran = new Map<string, number>();
      const rig = await createRig([
        testTool("bash", {
          effect: "once",
          allowsParallel: true,
          execute: async (input, { session_id }) => {
            const key = `${session_id}/${JSON.stringify(input)}`;
            ran.set(key, (ran.get(key) ?? 0) + 1);
            return succeeded("ran");
          },
        }),
      ]);
      const daemons: RiggedDaemon[] = [];
      for (const [index, store] of (await openStores(DAEMONS)).entries())
        daemons.push(await rig.boot({ store, instanceId: `d${index}` }));
      const at = (n: number) => daemons[n % DAEMONS] as RiggedDaemon;

      for (let n = 0; n < SESSIONS; n++) {
        const session = await TestSession.create(at(n), `s${n}`);
        const tool_calls = Array.from({ length: APPROVALS }, (_, index) => ({
          name: "bash",
          input: { index },
        }));
        const { run_id } = await session.play([{ tool_calls }, { text: "done" }]);
        const waiting = await session.reaches(run_id, "waiting_for_approval");
        const ids = (waiting.pending_approvals ?? []).map(({ id }) => id);
        expect(ids).toHaveLength(APPROVALS);

        const answers = ids.flatMap((request_id, which) =>
          Array.from({ length: ANSWERS }, (_, nth) => {
            const behavior = (nth + which) % 2 === 0 ? ("allow" as const) : ("deny" as const);
            return { request_id, behavior, ...(behavior === "deny" ? { reason: `no ${nth}` } : {}) };
          }),
        );
        const outcomes = await Promise.all(
          answers.map(async (resolution, nth) => {
            const body = { resolutions: [resolution] };
            try {
              await at(n + nth).call("resolveRunApprovals", { params: { run_id }, body });
              return { ...resolution, taken: true };
            } catch (error) {
              if (!isProblem(error) || error.status !== 409) throw error;
              return { ...resolution, taken: false };
            }
          }),
        );

        expect(await session.settled(run_id)).toMatchObject({ status: "completed" });
        const decided = (await session.events("approval_resolved")).flatMap(({ resolutions }) => resolutions);
        expect(decided.map(({ request_id }) => request_id).toSorted()).toEqual(ids.toSorted());
        for (const [index, id] of ids.entries()) {
          const decision = decided.find(({ request_id }) => request_id === id);
          const taken = outcomes.filter((one) => one.request_id === id && one.taken);
          expect(taken.length, "somebody was told yes").toBeGreaterThan(0);
          for (const one of taken) expect(one).toMatchObject({ behavior: decision?.behavior });
          const times = ran.get(`${session.id}/${JSON.stringify({ index })}`) ?? 0;
          expect(times).toBe(decision?.behavior === "allow" ? 1 : 0);
        }
      }
    });
  });
}
