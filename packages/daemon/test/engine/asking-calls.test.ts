import { describe, expect, test } from "vitest";
import type { EffectClass, Tool, ToolContext } from "../../src/engine/index.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const options = ["yes", "no"].map((id) => ({ id, label: id }));
const question = { id: "question-1", header: "Go on", question: "Go on?", options, multi_select: false };

/** Asks once, and tells what it was told. */
const asks = (seen: ToolContext["resumed"][]): Tool =>
  testTool("asks", {
    effect: "once",
    async execute(_input, { resumed }) {
      seen.push(resumed);
      return resumed === undefined
        ? { kind: "ask", questions: [question], resume: { kept: "by the call" } }
        : succeeded({ chosen: resumed.resolution.answers[0]?.selected_option_ids ?? null });
    },
  });

describe("a call that asks and goes on", () => {
  test("finds the answer and what it kept, also in another process", async () => {
    const seen: ToolContext["resumed"][] = [];
    const rig = await createRig(() => [asks(seen)]);
    const first = await rig.boot();
    const session = await TestSession.create(first);
    const run = await session.play([
      { tool_calls: [{ name: "asks", input: {} }] },
      { text: "{{last_tool_output}}" },
    ]);
    expect(await session.settled(run.run_id)).toMatchObject({ status: "waiting_for_user_question" });
    await first.stop();
    await first.store.close();
    const second = new TestSession(await rig.boot());
    await second.answer(run.run_id, "yes");
    expect(await second.settled(run.run_id)).toMatchObject({
      status: "completed",
      outputs: [{ content: '{"chosen":["yes"]}' }],
    });
    expect(seen).toMatchObject([undefined, { state: { kept: "by the call" } }]);
    const attempts = (await second.events("tool_call_started")).map(({ attempt }) => attempt);
    expect(attempts).toEqual([1, 2]);
  });
});

describe("a call that is lost", () => {
  const lost = (effect: EffectClass, times: number, calls: string[]) =>
    testTool("leaves", {
      effect,
      async execute(_input, { idempotency_key }) {
        calls.push(idempotency_key);
        return calls.length <= times ? { kind: "lost" } : succeeded("back");
      },
    });

  test.each(["read", "idempotent"] as const)("%s is made again under the same key", async (effect) => {
    const calls: string[] = [];
    const rig = await createRig(() => [lost(effect, 2, calls)]);
    const session = await TestSession.create(await rig.boot());
    const run = await session.play([
      { tool_calls: [{ name: "leaves", input: {} }] },
      { text: "{{last_tool_output}}" },
    ]);
    expect(await session.settled(run.run_id)).toMatchObject({ outputs: [{ content: "back" }] });
    expect(calls).toHaveLength(3);
    expect(new Set(calls).size).toBe(1);
  });

  test("and lost again each time is given up", async () => {
    const calls: string[] = [];
    const rig = await createRig(() => [lost("read", 99, calls)]);
    const session = await TestSession.create(await rig.boot());
    const run = await session.play([{ tool_calls: [{ name: "leaves", input: {} }] }, { text: "end" }]);
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(calls).toHaveLength(3);
    expect(await session.outputs()).toMatchObject([{ outcome: "unknown", attempts: 3 }]);
  });

  test("01-R90 is never made again when it must not happen twice", async () => {
    const calls: string[] = [];
    const rig = await createRig(() => [lost("once", 1, calls)]);
    const session = await TestSession.create(await rig.boot());
    const turn = { tool_calls: [{ name: "leaves", input: {} }] };
    const run = await session.play([turn, { text: "{{last_tool_output}}" }]);
    const { outputs } = await session.settled(run.run_id);
    expect(JSON.parse(outputs?.[0]?.content ?? "")).toMatchObject({ outcome: "unknown" });
    expect(calls).toHaveLength(1);
  });
});
