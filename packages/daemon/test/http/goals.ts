import { MAX_OBJECTIVE_CHARACTERS, type SessionGoal } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ASKING, say, script, use } from "./support/script.ts";

const PAUSED = { objective: "ship it", status: "paused" } as const;

export function goals(fixture: Fixture): void {
  const { api } = fixture;

  /** A new session with a goal that nobody works on. */
  const withGoal = async (more: object = {}) => {
    const session_id = await fixture.session();
    const { goal } = await api.call("createGoal", { ...at(session_id), body: { ...PAUSED, ...more } });
    if (goal === undefined) throw new Error("no goal was answered");
    return { session_id, goal };
  };
  const expecting = (goal: SessionGoal) => ({
    expected_goal_id: goal.goal_id,
    expected_version: goal.version,
  });

  test("01-R66: a session has no goal, until it is given one", async () => {
    const session_id = await fixture.session();
    expect(await api.call("getGoal", at(session_id))).toEqual({});
    const body = { objective: "  ship it\n", status: "paused" as const, token_budget: 500 };
    const created = await api.call("createGoal", { ...at(session_id), body });
    expect(created).toMatchObject({
      goal: {
        session_id,
        objective: "ship it",
        status: "paused",
        token_budget: 500,
        tokens_used: 0,
        time_used_ms: 0,
        version: 1,
        definition_version: 1,
      },
      remaining_tokens: 500,
    });
    expect(created.goal?.goal_id).toMatch(/^goal-\d+-\d+$/);
    expect(await api.call("getGoal", at(session_id))).toEqual(created);
    expect((await api.call("getSession", at(session_id))).goal).toEqual(created.goal);
    expect(await api.call("listSessions")).toContainEqual(
      expect.objectContaining({ session_id, goal: created.goal }),
    );
  });

  test("01-R66: POST creates, PUT replaces, DELETE clears", async () => {
    const { session_id, goal } = await withGoal();
    await fixture.leavesAlone(session_id, async () => {
      const refused = await api.refusal("createGoal", { ...at(session_id), body: PAUSED });
      expect(refused).toMatchObject({ status: 409, domain: "goals", code: "goal_already_exists" });
    });
    const put = await api.call("replaceGoal", { ...at(session_id), body: PAUSED });
    expect(put.goal).toMatchObject({ version: 1, objective: "ship it" });
    expect(put.goal?.goal_id).not.toBe(goal.goal_id);
    expect(await api.call("clearGoal", at(session_id))).toEqual({});
    expect(await api.call("getGoal", at(session_id))).toEqual({});
    await fixture.leavesAlone(session_id, () => api.call("clearGoal", at(session_id)));
    await api.call("createGoal", { ...at(session_id), body: PAUSED });
  });

  test("01-R66 01-R68: an active goal is worked on at once, and its events say so", async () => {
    const session_id = await fixture.session();
    const stream = await fixture.stream("sessionStream", at(session_id));
    const turns = script(say("ready"), use("update_goal", { status: "complete" }), say("reached"));
    await fixture.finish(session_id, turns);
    await api.call("createGoal", { ...at(session_id), body: { objective: "ship it" } });
    await stream.until(
      ({ data }) => data.type === "session_goal_updated" && data.goal?.last_continuation_run_id !== undefined,
    );
    await stream.until(
      ({ data }) => data.type === "session_goal_updated" && data.goal?.status === "complete",
    );
    const shown = stream.frames.flatMap(({ data }) =>
      data.type === "session_goal_updated" ? [data.goal] : [],
    );
    expect(shown.map((goal) => `${goal?.objective}: ${goal?.status}`)).toEqual([
      "ship it: active",
      "ship it: complete",
    ]);
    await api.call("clearGoal", at(session_id));
    const cleared = await stream.until(
      ({ data }) => data.type === "session_goal_updated" && data.goal === null,
    );
    expect(cleared.data).toMatchObject({ session_id });
    const [, run] = await fixture.runsOf(session_id);
    expect(run).toMatchObject({ kind: "goal_continuation" });
  });

  describe("01-R66 a goal that is none", () => {
    test.each([
      ["an empty objective", { objective: " \n" }],
      ["an objective that is too long", { objective: "x".repeat(MAX_OBJECTIVE_CHARACTERS + 1) }],
      ["a budget of nothing", { ...PAUSED, token_budget: 0 }],
      ["a status that only the daemon gives", { ...PAUSED, status: "budget_limited" }],
    ])("%s is refused", async (_what, body) => {
      const session_id = await fixture.session();
      for (const endpoint of ["createGoal", "replaceGoal"] as const) {
        await fixture.leavesAlone(session_id, async () => {
          const refused = await api.refusal(endpoint, { ...at(session_id), body });
          expect(refused).toMatchObject({ status: 400, domain: "goals", code: "goal_invalid_request" });
        });
      }
    });

    test.each(["getGoal", "createGoal", "replaceGoal", "patchGoal", "clearGoal"] as const)(
      "%s of a session that is not there",
      async (endpoint) => {
        const body = endpoint === "patchGoal" ? {} : PAUSED;
        const call = endpoint.startsWith("get") || endpoint.startsWith("clear") ? {} : { body };
        const lost = await api.refusal(endpoint, { ...at("nobody"), ...call });
        expect(lost).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
      },
    );

    test("8000 characters are counted as people count them", async () => {
      const session_id = await fixture.session();
      const body = { ...PAUSED, objective: "🪖".repeat(MAX_OBJECTIVE_CHARACTERS) };
      expect((await api.call("createGoal", { ...at(session_id), body })).goal?.version).toBe(1);
    });
  });

  describe("01-R67 PATCH", () => {
    test("changes what it names, for a caller who has seen the goal", async () => {
      const { session_id, goal } = await withGoal({ token_budget: 500 });
      const body = { ...expecting(goal), objective: "sail it", token_budget: 900 };
      const patched = await api.call("patchGoal", { ...at(session_id), body });
      expect(patched).toMatchObject({
        goal: { goal_id: goal.goal_id, objective: "sail it", token_budget: 900, status: "paused" },
        remaining_tokens: 900,
      });
      expect(patched.goal).toMatchObject({ version: 2, definition_version: 2 });
      const stale = await api.refusal("patchGoal", { ...at(session_id), body });
      expect(stale).toMatchObject({ status: 409, domain: "goals", code: "goal_conflict" });
      const free = await api.call("patchGoal", {
        ...at(session_id),
        body: { expected_goal_id: goal.goal_id, expected_version: 2, clear_token_budget: true },
      });
      expect(free).not.toHaveProperty("remaining_tokens");
      expect(free.goal).not.toHaveProperty("token_budget");
    });

    test("that changes nothing answers the goal", async () => {
      const { session_id, goal } = await withGoal();
      await fixture.leavesAlone(session_id, async () => {
        expect(await api.call("patchGoal", { ...at(session_id), body: {} })).toEqual({ goal });
        const body = { ...expecting(goal), ...PAUSED };
        expect(await api.call("patchGoal", { ...at(session_id), body })).toEqual({ goal });
      });
    });

    test.each([
      ["no expected version", (goal: SessionGoal) => ({ expected_goal_id: goal.goal_id, status: "active" })],
      ["no expected id", (goal: SessionGoal) => ({ expected_version: goal.version, objective: "x" })],
      [
        "two wishes for the budget",
        (goal: SessionGoal) => ({ ...expecting(goal), token_budget: 5, clear_token_budget: true }),
      ],
      [
        "complete, without demanding rest",
        (goal: SessionGoal) => ({ ...expecting(goal), status: "complete" }),
      ],
      ["no objective", (goal: SessionGoal) => ({ ...expecting(goal), objective: "" })],
    ])("with %s is 400", async (_what, bodyFor) => {
      const { session_id, goal } = await withGoal();
      await fixture.leavesAlone(session_id, async () => {
        const refused = await api.refusal("patchGoal", { ...at(session_id), body: bodyFor(goal) });
        expect(refused).toMatchObject({ status: 400, domain: "goals", code: "goal_invalid_request" });
      });
    });

    test("with another id is a conflict; without a goal it is 404", async () => {
      const { session_id, goal } = await withGoal();
      const body = { ...expecting(goal), expected_goal_id: "goal-0-0", objective: "x" };
      expect(await api.refusal("patchGoal", { ...at(session_id), body })).toMatchObject({
        status: 409,
        code: "goal_conflict",
      });
      await api.call("clearGoal", at(session_id));
      expect(await api.refusal("patchGoal", { ...at(session_id), body })).toMatchObject({
        status: 404,
        domain: "goals",
        code: "goal_not_found",
      });
    });

    test("to complete needs a session at rest", async () => {
      const { session_id, goal } = await withGoal();
      const run = await fixture.submit(session_id, ASKING);
      await fixture.reaches(run.run_id, "waiting_for_user_question");
      const complete = async () => {
        const { goal: now = goal } = await api.call("getGoal", at(session_id));
        return { ...expecting(now), status: "complete" as const, require_no_active_runs: true };
      };
      const refused = await api.refusal("patchGoal", { ...at(session_id), body: await complete() });
      expect(refused).toMatchObject({ status: 409, domain: "goals", code: "goal_session_not_idle" });
      await api.call("cancelRun", { params: { run_id: run.run_id } });
      const done = await api.call("patchGoal", { ...at(session_id), body: await complete() });
      expect(done.goal?.status).toBe("complete");
    });
  });

  test("01-R23: a run's metadata must have room for the goal, which is checked before its route", async () => {
    const { session_id, goal } = await withGoal();
    await fixture.leavesAlone(session_id, async () => {
      const body = { content: "x", metadata: [1], provider: "nowhere" };
      const refused = await api.refusal("submitRun", { ...at(session_id), body });
      expect(refused).toMatchObject({ status: 400, domain: "goals", code: "goal_invalid_request" });
    });
    const run = await fixture.finish(session_id, script(say("hi")), { metadata: { mine: true } });
    expect(run.input_metadata).toEqual({
      mine: true,
      daemon: { goal_id: goal.goal_id, goal_version: goal.definition_version },
    });
  });
}
