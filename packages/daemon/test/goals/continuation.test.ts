import { describe, expect, test } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { ScriptedModel, says } from "../support/scripted-model.ts";
import { ASK, COMPLETE, useWorlds, work } from "./goal-world.ts";

const world = useWorlds();

describe("the continuation of a goal", () => {
  test("01-R68: an active goal is worked on, run after run, until it is complete", async () => {
    const { model, goal, set, settled } = await world([work("a"), says("first"), COMPLETE, says("reached")]);
    await set({ token_budget: 1_000 });
    const [first, second, ...others] = await settled();
    expect(others).toEqual([]);
    const { goal_id } = (await goal()) ?? {};
    for (const run of [first, second]) {
      expect(run).toMatchObject({
        kind: "goal_continuation",
        status: "completed",
        request: {
          source_plugin: "daemon",
          source_kind: "goal_continuation",
          actor_id: "daemon",
          text_preview: "ship it",
        },
        input_metadata: { daemon: { goal_id, goal_version: 1, budget_wrapup: false } },
      });
    }
    expect(second?.input_metadata).toMatchObject({ daemon: { previous_run_id: first?.run_id } });
    expect(await goal()).toMatchObject({
      status: "complete",
      completed_by_run_id: second?.run_id,
      last_continuation_run_id: second?.run_id,
    });
    const [input] = model.requests[0]?.messages ?? [];
    expect(input).toMatchObject({ role: "user", synthetic: true });
    const text = JSON.stringify(input);
    for (const told of ["ship it", "1000 of its 1000 tokens", "update_goal"]) expect(text).toContain(told);
  });

  test.each([
    ["an active goal's next run begins", "active", true],
    ["a paused goal wants none", "paused", false],
  ])("01-R47 01-R68: in the commit that ends a run %s", async (_what, status, begins) => {
    const commits: string[][] = [];
    const wrap = (inner: Store) =>
      around(inner, {
        commit: (ops, options) => {
          commits.push(ops.flatMap((op) => (op.op === "append" ? op.events.map(({ type }) => type) : [])));
          return inner.commit(ops, options);
        },
      });
    const { session, set, settled } = await world([ASK, says("answered"), COMPLETE, says("reached")], {
      wrap,
    });
    const { run_id } = await session.submit("ask me");
    await session.reaches(run_id, "waiting_for_user_question");
    await set({ status });
    await session.answer(run_id, "yes");
    await settled();
    const ending = commits.find((types) => types.includes("completed")) ?? [];
    const beginning = ["accepted", "started", "input_received", "goal_moved"];
    expect(ending.filter((type) => beginning.includes(type))).toEqual(begins ? beginning : []);
  });

  test("01-R47 01-R68: what somebody submitted comes first", async () => {
    const { session, set, settled } = await world([
      ASK,
      says("answered"),
      says("queued"),
      COMPLETE,
      says("reached"),
    ]);
    const { run_id } = await session.submit("ask me");
    await session.reaches(run_id, "waiting_for_user_question");
    await set();
    await session.submit("and then this");
    await session.answer(run_id, "yes");
    expect((await settled()).map(({ kind }) => kind)).toEqual([
      "user_question_resume",
      "input",
      "goal_continuation",
    ]);
  });

  test("01-R23: an ordinary run says which goal it was created under", async () => {
    const { session, goal, set, settled } = await world([says("hello"), says("again")]);
    await set({ status: "paused" });
    const { goal_id } = (await goal()) ?? {};
    await session.submit("hi", { metadata: { mine: 1 } });
    await session.submit("ho");
    const [first, second] = await settled();
    expect(first?.input_metadata).toEqual({ mine: 1, daemon: { goal_id, goal_version: 1 } });
    expect(second?.input_metadata).toEqual({ daemon: { goal_id, goal_version: 1 } });
    await expect(session.submit("hi", { metadata: [1] })).rejects.toMatchObject({
      domain: "goals",
      code: "goal_invalid_request",
    });
  });

  test("is spaced out after three that did nothing, and never stops by itself", async () => {
    const { rig, model, goal, set, settled } = await world(new ScriptedModel(() => says("thinking")));
    await set();
    await settled();
    expect(model.requests).toHaveLength(3);
    await rig.clock.advance(900);
    expect(model.requests).toHaveLength(3);
    await rig.clock.advance(200);
    await settled();
    expect(model.requests).toHaveLength(4);
    expect(await goal()).toMatchObject({ status: "active" });
  });

  test("01-R68: it needs a route that is ready, and is tried again until there is one", async () => {
    const { rig, daemon, session, model, goal } = await world(ScriptedModel.of([COMPLETE, says("reached")]));
    await session.call("putCredentialScope", { credential_scope: { route_deny: ["scripted"] } });
    await session.call("createGoal", { objective: "ship it" });
    await daemon.settle();
    expect(model.requests).toHaveLength(0);
    await session.call("deleteCredentialScope");
    await rig.clock.advance(60_000);
    await daemon.settle();
    expect(await goal()).toMatchObject({ status: "complete" });
  });
});
