import { describe, expect, test } from "vitest";
import type { ModelOutcome } from "../../engine/ports.ts";
import { requestOf, testModels, textIn } from "../testing/kit.ts";

const ROUTE = { route_id: "main", driver: "simulator", model: "script" };

/** Plays one turn on a simulator route; answers the outcome and how long it took, all attempts together. */
async function play(turn: object, limits: string): Promise<{ outcome: ModelOutcome; tookMs: number }> {
  const { models, clock } = testModels(`[routes.main]\ndriver = "simulator"\n${limits}`);
  const request = requestOf(ROUTE, JSON.stringify({ simulate: [turn] }));
  const from = clock.now();
  let done = false;
  const call = models.call(request, { signal: new AbortController().signal }).finally(() => {
    done = true;
  });
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    const due = clock.nextDueAt();
    if (!done && due !== undefined) await clock.advance(due - clock.now());
  }
  return { outcome: await call, tookMs: clock.now() - from };
}

describe("02-A8 the simulator under the limits of its route", () => {
  test("a first word that is too late is a broken transport, after every retry", async () => {
    const { outcome } = await play({ delay_ms: 5_000, text: "late" }, "inactivity_timeout_ms = 1000");
    expect(outcome).toMatchObject({
      ok: false,
      error: { class: "transport", message: "The provider sent nothing for 1000 ms." },
    });
  });

  test("so is a pause between two pieces", async () => {
    const turn = { text: "abcd", chunks: 4, chunk_delay_ms: 2_000 };
    expect((await play(turn, "inactivity_timeout_ms = 1000")).outcome).toMatchObject({
      error: { message: "The provider sent nothing for 1000 ms." },
    });
  });

  test("and an answer that takes too long as a whole", async () => {
    const turn = { text: "abcdefgh", chunks: 8, chunk_delay_ms: 900 };
    const { outcome } = await play(turn, "timeout_ms = 3000\ninactivity_timeout_ms = 1000");
    expect(outcome).toMatchObject({
      error: { message: "The provider did not finish its answer within 3000 ms." },
    });
  });

  test("what keeps the limits is not touched by them, and a route without any has all the time", async () => {
    const turn = { delay_ms: 900, text: "abcd", chunks: 4, chunk_delay_ms: 700 };
    const kept = await play(turn, "timeout_ms = 3000\ninactivity_timeout_ms = 1000");
    expect(textIn(kept.outcome)).toBe("abcd");
    expect(kept.tookMs).toBe(3_000);
    expect(textIn((await play({ delay_ms: 10_000_000, text: "at last" }, "")).outcome)).toBe("at last");
  });
});
