import { expect, test } from "vitest";
import type { Op, Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const RENEWAL_MS = 10_000;

const work = testTool("work", { effect: "once", execute: async () => succeeded("done") });
const turn = { tool_calls: [{ name: "work", input: {} }] };

/** Writes down what is committed, but for what a daemon does for itself. */
function watched(inner: Store, commits: string[][]): Store {
  return around(inner, {
    commit: async (ops, options) => {
      const result = await inner.commit(ops, options);
      if (result.ok && ops.some(isOfSession)) commits.push(ops.map(({ op }) => op));
      return result;
    },
  });
}

/** Of a session, or the record of what is about to leave it. */
function isOfSession(op: Op): boolean {
  return op.op === "append" && (op.stream.startsWith("session/") || op.stream.startsWith("audit/run-"));
}

test("a run begins in the commit that makes it, and leaves its session with its last: no other is needed", async () => {
  const commits: string[][] = [];
  const rig = await createRig(() => [work]);
  const daemon = await rig.boot({ wrap: (store) => watched(store, commits) });
  const session = await TestSession.create(daemon);
  commits.length = 0;
  const run = await session.play([turn, turn, { text: "done" }]);
  expect(await daemon.store.getItem("session", "s")).toMatchObject({ owner: expect.any(String) });
  await session.settled(run.run_id);
  // Accepted; the first request on record; asked, twice; answered, twice, the last time with what follows.
  expect(commits).toHaveLength(7);
  expect(commits[0]).toContain("claim-item");
  expect(commits[1]).toEqual(expect.arrayContaining(["check-claim", "acquire-lease", "append"]));
  expect(commits.at(-1)).toEqual(expect.arrayContaining(["append", "release-lease", "complete"]));
  expect(await daemon.store.getLease("session/s")).toBeUndefined();
  expect(await daemon.store.getItem("session", "s")).toBeUndefined();
});

test("a lease that was taken by a write whose answer got lost is given up all the same", async () => {
  const rig = await createRig(() => [work]);
  let lost = 0;
  const daemon = await rig.boot({
    wrap: (inner) =>
      around(inner, {
        commit: async (ops, options) => {
          const result = await inner.commit(ops, options);
          const takes = ops.some(({ op }) => op === "acquire-lease") && ops.some(isOfSession);
          if (!takes || lost > 0) return result;
          lost += 1;
          throw new Error("the connection broke");
        },
      }),
  });
  const session = await TestSession.create(daemon);
  // With the record of its only request.
  const run = await session.play([{ text: "done" }]);
  await session.settled(run.run_id);
  expect(lost).toBe(1);
  await rig.clock.advance(RENEWAL_MS);
  await daemon.settle();
  expect(await daemon.store.getLease("session/s")).toBeUndefined();
});
