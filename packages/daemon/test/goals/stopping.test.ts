import { describe, expect, test } from "vitest";
import type { ModelOutcome } from "../../src/engine/index.ts";
import { fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { ASK, COMPLETE, endless, statuses, useWorlds } from "./goal-world.ts";

const world = useWorlds();

describe("what stops a goal", () => {
  test("01-R70: a cancelled run is followed by none, until the daemon starts again", async () => {
    const { rig, daemon, session, goal, set } = await world(new ScriptedModel(endless));
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
    const { session, goal, set, patch, settled } = await world(
      new ScriptedModel(({ turn }) => (quick ? (turn === 0 ? COMPLETE : says("reached")) : endless())),
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
    const { session, goal, set, settled } = await world(new ScriptedModel(() => says("thinking")));
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
      ASK,
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
    const { rig, daemon, session, set } = await world(new ScriptedModel(endless));
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
