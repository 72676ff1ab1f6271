import { expect, test } from "vitest";
import { bootDoomed } from "../support/crashing.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";

const createRig = useRigs();
const HOUR_MS = 3_600_000;

test("01-R90 a run that was accepted under a clock an hour ahead is driven at once when the clock is right again", async () => {
  const rig = await createRig([]);
  const doomed = await bootDoomed(rig, {
    clock: {
      now: () => rig.clock.now() + HOUR_MS,
      schedule: (delayMs, run) => rig.clock.schedule(delayMs, run),
    },
    // Dies before its executor has looked at the run.
    wrap: (inner) =>
      new Proxy(inner, {
        get(target, key) {
          const member = Reflect.get(target, key) as unknown;
          if (key === "nextDueAt") return async () => undefined;
          return typeof member === "function" ? member.bind(target) : member;
        },
      }),
  });
  const session = await TestSession.create(doomed);
  const { run_id: runId } = await session.submit("hello");
  doomed.kill();
  const daemon = await rig.boot();
  expect(await new TestSession(daemon).reaches(runId, "completed")).toMatchObject({
    outputs: [{ content: "hello" }],
  });
});
