import type { JsonObject } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import type { TestSession } from "../support/session.ts";
import { until } from "../support/wait.ts";
import { ASK, COMPLETE, spending, statuses, useWorlds } from "./goal-world.ts";

const world = useWorlds();

describe("what a model may do about a goal", () => {
  const results = async (session: TestSession) => (await session.outputs()) as JsonObject[];

  test("03 create_goal: a run gives its session a goal, which is continued when the run ends", async () => {
    const create = calls(
      [{ name: "create_goal", input: { objective: "ship it", token_budget: 900 } }],
      spending(1_000),
    );
    const { session, settled, goal } = await world([
      create,
      says("I shall", spending(20)),
      calls([{ name: "get_goal" }], spending(0)),
      COMPLETE,
      says("reached"),
    ]);
    await session.submit("keep at it");
    expect(statuses(await settled())).toEqual(["input completed", "goal_continuation completed"]);
    const [created, shown, completed] = await results(session);
    expect(created).toMatchObject({
      goal: { objective: "ship it", status: "active", created_by_run_id: "run-1", tokens_used: 0 },
      remaining_tokens: 900,
    });
    expect(shown).toMatchObject({ goal: { status: "active" }, remaining_tokens: 860 });
    expect(completed).toMatchObject({ goal: { status: "complete" } });
    expect(shown?.goal).not.toHaveProperty("accounted_usage");
    expect(await goal()).toMatchObject({ completed_by_run_id: "run-2" });
  });

  test("03 get_goal and create_goal: without a goal it is null, with one there is no second", async () => {
    const { session, set, settled } = await world([
      calls([{ name: "get_goal" }]),
      says("none"),
      calls([{ name: "create_goal", input: { objective: "another" } }]),
      says("refused"),
    ]);
    await session.submit("look");
    await settled();
    await set({ status: "paused" });
    await session.submit("create");
    await settled();
    const [none, second] = await results(session);
    expect(none).toEqual({ goal: null, remaining_tokens: null });
    expect(second?.error).toContain("a goal already");
  });

  test("03 get_goal: a run sees what was set while it was at work", async () => {
    const set = Promise.withResolvers<void>();
    const model = new ScriptedModel(async ({ turn }) => {
      if (turn > 0) return says("seen");
      await set.promise;
      return calls([{ name: "get_goal" }]);
    });
    const { session, settled, set: setGoal } = await world(model);
    await session.submit("look");
    await until("the model to be asked", () => model.requests.length === 1);
    await setGoal({ status: "paused" });
    set.resolve();
    await settled();
    expect(await results(session)).toMatchObject([{ goal: { objective: "ship it", status: "paused" } }]);
  });

  test("01-R71: a run completes only the definition it was created under", async () => {
    const { session, set, patch, goal } = await world([ASK, COMPLETE, says("refused")]);
    await set();
    await session.reaches("run-1", "waiting_for_user_question");
    await patch({ objective: "ship something else", status: "paused" });
    await session.answer("run-1", "yes");
    await session.settled("run-1");
    expect((await results(session)).at(-1)?.error).toContain("changed since this run began");
    expect(await goal()).toMatchObject({ status: "paused", definition_version: 2 });
  });

  test("01-R71: said twice is said once; without a goal it is refused", async () => {
    const twice = calls([
      { name: "update_goal", input: { status: "complete" }, id: "a" },
      { name: "update_goal", input: { status: "complete" }, id: "b" },
    ]);
    const { session, set, settled, goal } = await world([COMPLETE, says("refused"), twice, says("reached")]);
    await session.submit("complete what?");
    await settled();
    await set();
    await settled();
    const [refused, once, again] = await results(session);
    expect(refused?.error).toContain("has no goal");
    expect(again).toEqual(once);
    expect((await goal())?.definition_version).toBe(2);
  });
});
