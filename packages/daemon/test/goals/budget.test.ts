import { describe, expect, test } from "vitest";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { until } from "../support/wait.ts";
import { ASK, COMPLETE, endless, spending, statuses, useWorlds, work } from "./goal-world.ts";

const world = useWorlds();

describe("the budget of a goal", () => {
  test("01-R69, weakness 4: every model call is charged, without what a cache had", async () => {
    const { rig, goal, set, settled } = await world([
      work("a", 100),
      calls([{ name: "work", id: "b" }], spending(300, 250)),
      COMPLETE,
      says("reached", spending(5)),
    ]);
    await set();
    await rig.clock.advance(1);
    await settled();
    const { tokens_used, accounted_usage } = (await goal()) ?? {};
    expect(tokens_used).toBe(110 + 60 + 15);
    expect(accounted_usage?.["run:run-1:tokens"]).toEqual({ tokens: 185, time_ms: 0 });
  });

  test("weakness 4: the charge is kept with each answer, not at the end of the run", async () => {
    const { set, goal, model } = await world(
      new ScriptedModel(({ turn }) => (turn === 0 ? work("a", 100) : endless())),
    );
    await set();
    await until("the second call", () => model.requests.length === 2);
    expect(await goal()).toMatchObject({ tokens_used: 110, version: 3 });
  });

  test("01-R69, weakness 4: a spent budget stops the run, and exactly one wrap-up follows", async () => {
    const { model, goal, set, settled, rig } = await world([
      work("a", 50),
      work("b", 60),
      says("here is where I stand"),
    ]);
    await set({ token_budget: 100 });
    const runs = await settled();
    expect(statuses(runs)).toEqual(["goal_continuation interrupted", "goal_continuation completed"]);
    expect(runs[0]?.error).toBe("the goal's token budget is used up");
    expect(runs[1]?.input_metadata).toMatchObject({ daemon: { budget_wrapup: true, goal_version: 2 } });
    expect(JSON.stringify(model.requests[2]?.messages.at(-1))).toContain("Begin nothing new");
    expect(await goal()).toMatchObject({
      status: "budget_limited",
      tokens_used: 130,
      budget_limited_by_run_id: runs[0]?.run_id,
      budget_wrapup_run_id: runs[1]?.run_id,
    });
    await rig.clock.advance(600_000);
    expect(await settled()).toHaveLength(2);
  });

  test("01-R69: an answer that spends it is delivered, and the wrap-up follows", async () => {
    const { set, settled, goal } = await world([says("done for today", spending(500)), says("in short")]);
    await set({ token_budget: 100 });
    expect(statuses(await settled())).toEqual(["goal_continuation completed", "goal_continuation completed"]);
    expect(await goal()).toMatchObject({ status: "budget_limited", budget_limited_by_run_id: "run-1" });
  });

  test("01-R71: the call that spends it may still complete it", async () => {
    const last = calls([{ name: "update_goal", input: { status: "complete" } }], spending(500));
    const { set, settled, goal } = await world([last, says("reached")]);
    await set({ token_budget: 100 });
    expect(statuses(await settled())).toEqual(["goal_continuation completed"]);
    expect(await goal()).toMatchObject({ status: "complete" });
  });

  test("01-R69: the wrap-up itself is bounded", async () => {
    const { set, settled, model } = await world(
      new ScriptedModel(({ run_id, turn }) => work(`${run_id}-${turn}`, 1_000)),
    );
    await set({ token_budget: 100 });
    expect(statuses(await settled())).toEqual(["goal_continuation interrupted", "goal_continuation failed"]);
    expect(model.requests).toHaveLength(1 + 5);
  });

  test("01-R69: a goal whose budget is raised goes on, and is owed a wrap-up of its own", async () => {
    const { set, patch, settled, goal } = await world([
      says("spent", spending(500)),
      says("wrapped up"),
      says("spent again", spending(500)),
      says("wrapped up again"),
    ]);
    await set({ token_budget: 100 });
    await settled();
    await expect(patch({ status: "active" })).rejects.toMatchObject({ code: "goal_invalid_request" });
    await patch({ status: "active", token_budget: 700 });
    expect(await settled()).toHaveLength(4);
    expect(await goal()).toMatchObject({ status: "budget_limited", budget_wrapup_run_id: "run-4" });
  });

  test("01-R69: a run is charged to the goal it was created under, and to no other", async () => {
    const { session, set, settled, goal } = await world([
      calls([{ name: "ask_user_question" }], spending(100)),
      says("answered", spending(100)),
      COMPLETE,
      says("reached", spending(1)),
    ]);
    const { run_id } = await session.submit("ask me");
    await session.reaches(run_id, "waiting_for_user_question");
    await set();
    await session.answer(run_id, "yes");
    await settled();
    expect(await goal()).toMatchObject({ tokens_used: 11, status: "complete" });
    expect(Object.keys((await goal())?.accounted_usage ?? {})).toContain("run:run-2:tokens");
  });

  test("01-R69: time is charged once, from start to end", async () => {
    const { rig, session, set, settled, goal } = await world([ASK, COMPLETE, says("reached")]);
    await set();
    await session.reaches("run-1", "waiting_for_user_question");
    await rig.clock.advance(5_000);
    await session.answer("run-1", "yes");
    await settled();
    expect(await goal()).toMatchObject({ time_used_ms: 5_000 });
  });
});
