import type { JsonObject, RunView, SessionGoal } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { ModelOutcome } from "../../src/engine/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { goalTools } from "../../src/tools/goals/goal-tools.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions } from "../support/rig.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();
const COMPLETE = calls([{ name: "update_goal", input: { status: "complete" } }]);
const spending = (input_tokens: number, cached_input_tokens = 0) => ({
  usage: { input_tokens, output_tokens: 10, cached_input_tokens },
});
const work = (id: string, tokens = 0) => calls([{ name: "work", id }], spending(tokens));
/** Goes on until somebody ends it. */
const ENDLESS = () => new Promise<ModelOutcome>(() => undefined);

/** A daemon with a session, whose model says these things one after the other. */
async function world(outcomes: readonly ModelOutcome[], options: BootOptions = {}) {
  return withModel(ScriptedModel.of(outcomes), options);
}

async function withModel(model: ScriptedModel, options: BootOptions = {}) {
  const rig = await createRig([...goalTools(), testTool("work"), askTool()]);
  const daemon = await rig.boot({ models: model, ...options });
  const session = await TestSession.create(daemon);
  const goal = async () => ((await session.call("getGoal")).json as { goal?: SessionGoal }).goal;
  const set = async (more: JsonObject = {}) => {
    await session.call("replaceGoal", { objective: "ship it", ...more });
  };
  const patch = async (changes: JsonObject) => {
    const known = await goal();
    const expected = { expected_goal_id: known?.goal_id, expected_version: known?.version };
    await session.call("patchGoal", { ...expected, ...changes });
  };
  const settled = async () => {
    await daemon.settle();
    return daemon.runs();
  };
  return { rig, daemon, session, model, goal, set, patch, settled };
}

const statuses = (runs: readonly RunView[]) => runs.map(({ kind, status }) => `${kind} ${status}`);

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
    const { session, set, settled } = await world(
      [calls([{ name: "ask_user_question" }]), says("answered"), COMPLETE, says("reached")],
      { wrap },
    );
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
      calls([{ name: "ask_user_question" }]),
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
    const { rig, model, goal, set, settled } = await withModel(new ScriptedModel(() => says("thinking")));
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
    const { rig, daemon, session, model, goal } = await withModel(
      ScriptedModel.of([COMPLETE, says("reached")]),
    );
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
    const { set, goal, model } = await withModel(
      new ScriptedModel(({ turn }) => (turn === 0 ? work("a", 100) : ENDLESS())),
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
    const { set, settled, model } = await withModel(
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
    const { rig, session, set, settled, goal } = await world([
      calls([{ name: "ask_user_question" }]),
      COMPLETE,
      says("reached"),
    ]);
    await set();
    await session.reaches("run-1", "waiting_for_user_question");
    await rig.clock.advance(5_000);
    await session.answer("run-1", "yes");
    await settled();
    expect(await goal()).toMatchObject({ time_used_ms: 5_000 });
  });
});

describe("what stops a goal", () => {
  test("01-R70: a cancelled run is followed by none, until the daemon starts again", async () => {
    const { rig, daemon, session, goal, set } = await withModel(new ScriptedModel(ENDLESS));
    await set();
    await session.reaches("run-1", "running");
    await daemon.call("cancelRun", { params: { run_id: "run-1" } });
    await daemon.settle();
    expect(statuses(await daemon.runs())).toEqual(["goal_continuation cancelled"]);
    expect(await goal()).toMatchObject({ status: "active" });
    await daemon.stop();
    const again = await rig.boot({ models: ScriptedModel.of([COMPLETE, says("reached")]) });
    await again.settle();
    expect(statuses(await again.runs())).toEqual([
      "goal_continuation cancelled",
      "goal_continuation completed",
    ]);
  });

  test("01-R18 01-R70: interrupt pauses it, and PATCH to active goes on", async () => {
    let quick = false;
    const { session, goal, set, patch, settled } = await withModel(
      new ScriptedModel(({ turn }) => (quick ? (turn === 0 ? COMPLETE : says("reached")) : ENDLESS())),
    );
    await set();
    await session.reaches("run-1", "running");
    await session.call("interruptSession");
    expect(await goal()).toMatchObject({ status: "paused" });
    expect(statuses(await settled())).toEqual(["goal_continuation interrupted"]);
    quick = true;
    await patch({ status: "active" });
    await settled();
    expect(await goal()).toMatchObject({ status: "complete" });
  });

  test("01-R18: interrupt pauses the goal of an idle session, too", async () => {
    const { session, goal, set, settled } = await withModel(new ScriptedModel(() => says("thinking")));
    await set();
    await settled();
    expect((await session.call("interruptSession")).json).toMatchObject({ interrupted: false });
    expect(await goal()).toMatchObject({ status: "paused" });
  });

  test("01-R70: a continuation that failed for good pauses it", async () => {
    const { goal, set, settled, rig } = await world([fails("invalid_request")]);
    await set();
    expect(statuses(await settled())).toEqual(["goal_continuation failed"]);
    expect(await goal()).toMatchObject({ status: "paused" });
    await rig.clock.advance(600_000);
    expect(await settled()).toHaveLength(1);
  });

  test("01-R70: what may pass is tried again a minute later", async () => {
    const { ok: _no, ...failure } = fails("server_overloaded") as Extract<ModelOutcome, { ok: false }>;
    const passing = { ok: false as const, error: { ...failure.error, retryable: true } };
    const { goal, set, settled, rig } = await world([passing, COMPLETE, says("reached")]);
    await set();
    expect(statuses(await settled())).toEqual(["goal_continuation failed"]);
    expect(await goal()).toMatchObject({ status: "active" });
    await rig.clock.advance(59_000);
    expect(await settled()).toHaveLength(1);
    await rig.clock.advance(2_000);
    await settled();
    expect(await goal()).toMatchObject({ status: "complete" });
  });

  test("01-R68: another run that failed is followed at once", async () => {
    const { session, goal, set, settled } = await world([
      calls([{ name: "ask_user_question" }]),
      fails("invalid_request"),
      COMPLETE,
      says("reached"),
    ]);
    const { run_id } = await session.submit("ask me");
    await session.reaches(run_id, "waiting_for_user_question");
    await set();
    await session.answer(run_id, "yes");
    expect(statuses(await settled())).toEqual(["user_question_resume failed", "goal_continuation completed"]);
    expect(await goal()).toMatchObject({ status: "complete" });
  });

  test("01-A5: an ended session is left alone at boot", async () => {
    const { rig, daemon, session, set } = await withModel(new ScriptedModel(ENDLESS));
    await set();
    await session.reaches("run-1", "running");
    await daemon.call("cancelRun", { params: { run_id: "run-1" } });
    await session.call("endSession", {});
    await daemon.stop();
    const again = await rig.boot({ models: ScriptedModel.of([]) });
    await again.settle();
    expect(await again.runs()).toHaveLength(1);
  });
});

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

  test("01-R71: a run completes only the definition it was created under", async () => {
    const { session, set, patch, goal } = await world([
      calls([{ name: "ask_user_question" }]),
      COMPLETE,
      says("refused"),
    ]);
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
