import { expect, test } from "vitest";
import type { Clock } from "../../src/kernel/clock.ts";
import { type Store, StoreError } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { bootDoomed } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import type { Rig } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { askTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();
const HOUR_MS = 3_600_000;

/** A clock that can be set ahead. */
function movable(rig: Rig): { clock: Clock; aheadMs: number } {
  const moved = { aheadMs: 0 };
  const clock: Clock = {
    now: () => rig.clock.now() + moved.aheadMs,
    schedule: (delayMs, run) => rig.clock.schedule(delayMs, run),
  };
  return Object.assign(moved, { clock });
}

test("01-R90 a run that was given back under a clock an hour ahead is driven at once when the clock is right again", async () => {
  const rig = await createRig([]);
  const moved = movable(rig);
  moved.aheadMs = HOUR_MS;
  let isDown = true;
  // Its store fails each drive, so the session is given back, to be looked at a little later by that clock.
  const failing = (inner: Store) =>
    around(inner, {
      readStream: async (stream, range) => {
        if (isDown && stream.startsWith("session/")) throw new StoreError("unavailable", "not now");
        return inner.readStream(stream, range);
      },
    });
  const doomed = await bootDoomed(rig, { clock: moved.clock, wrap: failing });
  const session = await TestSession.create(doomed);
  const { run_id: runId } = await session.submit("hello");
  const givenBack = async () => ((await doomed.store.nextDueAt("session")) ?? 0) > rig.clock.now() + HOUR_MS;
  await until("the session to be given back", givenBack);
  doomed.kill();
  isDown = false;
  const daemon = await rig.boot();
  expect(await new TestSession(daemon).reaches(runId, "completed")).toMatchObject({
    outputs: [{ content: "hello" }],
  });
});

test("03-R40 a deadline whose timer came early, because the clock was set back meanwhile, still takes effect", async () => {
  const rig = await createRig([askTool((context) => context.clock.now() + 10_000)]);
  const moved = movable(rig);
  let early = 0;
  const daemon = await rig.boot({
    clock: moved.clock,
    wrap: (inner) =>
      around(inner, {
        commit: async (ops, options) => {
          const result = await inner.commit(ops, options);
          const isClaim = ops.some((op) => op.op === "claim" && op.queue === "timer");
          if (isClaim && moved.aheadMs > 0) {
            early += 1;
            moved.aheadMs = 0;
          }
          return result;
        },
      }),
  });
  const session = await TestSession.create(daemon);
  const run = await session.play([{ tool_calls: [{ name: "ask_user_question", input: {} }] }]);
  await session.reaches(run.run_id, "waiting_for_user_question");
  moved.aheadMs = HOUR_MS;
  await rig.clock.advance(1_000);
  await until("the timer to come early", () => early === 1);
  expect(await session.run(run.run_id)).toMatchObject({ status: "waiting_for_user_question" });
  await rig.clock.advance(10_000);
  await session.reaches(run.run_id, "cancelled");
});
