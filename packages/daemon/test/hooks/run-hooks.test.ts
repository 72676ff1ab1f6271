import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { HookWorld, hooksAt, setHooks, settleHooks } from "./hook-world.ts";

const createRig = useRigs();

async function world(hooks: HookWorld, settings: object, model = ScriptedModel.of([])) {
  const fat = testTool("look", { execute: async () => succeeded("x".repeat(8_000)) });
  const rig = await createRig([fat]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks, models: model });
  await setHooks(daemon, settings);
  return { rig, daemon, model, session: await TestSession.create(daemon) };
}

describe("the beginning of a run", () => {
  const OPENING = ["setup", "session_start", "user_prompt_submit"] as const;

  test("03 setup is called once for a session, session_start again after its end, user_prompt_submit for each prompt", async () => {
    const hooks = new HookWorld();
    const { session } = await world(hooks, hooksAt(OPENING));
    await session.settled((await session.submit("one")).run_id);
    await session.settled((await session.submit("two")).run_id);
    await session.call("endSession", {});
    await session.settled((await session.submit("three")).run_id);
    expect(hooks.calls.map(({ event, subject }) => `${event} ${subject}`.trim())).toEqual([
      "setup startup",
      "session_start startup",
      "user_prompt_submit",
      "user_prompt_submit",
      "session_start resume",
      "user_prompt_submit",
    ]);
    expect(hooks.of("user_prompt_submit").map(({ payload }) => payload)).toEqual([
      { prompt: "one" },
      { prompt: "two" },
      { prompt: "three" },
    ]);
  });

  test("03-R45 what they add is shown to the model before its first turn", async () => {
    const hooks = new HookWorld()
      .on("session_start", () => ({
        initial_user_message: "Read the rules.",
        additional_contexts: ["Branch: main"],
      }))
      .on("user_prompt_submit", () => ({ additional_contexts: ["It is Monday."] }));
    const { session, model } = await world(hooks, hooksAt(OPENING));
    await session.settled((await session.submit("go")).run_id);
    const shown = model.requests[0]?.messages.flatMap((message) =>
      message.role === "user"
        ? message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []))
        : [],
    );
    expect(shown).toEqual(["go", "Read the rules.", "Branch: main", "It is Monday."]);
  });

  test.each(OPENING)(
    "03-R44 a blocking %s ends the run before any model call, as a failure with a code",
    async (event) => {
      const hooks = new HookWorld().on(event, () => ({ decision: "block", stop_reason: "closed today" }));
      const { session, model } = await world(hooks, hooksAt(OPENING));
      const run = await session.settled((await session.submit("go")).run_id);
      expect(run).toMatchObject({ status: "failed", error: "closed today", error_code: "hook_blocked" });
      expect(model.requests).toEqual([]);
    },
  );
});

describe("the end of a run", () => {
  test("03 a stop hook sends the model back to work with its reason, and then lets it end", async () => {
    const hooks = new HookWorld().on("stop", ({ payload }) =>
      (payload as { stop_hook_active: boolean }).stop_hook_active
        ? {}
        : { decision: "block", stop_reason: "run the tests" },
    );
    const { session, model } = await world(
      hooks,
      hooksAt(["stop"]),
      ScriptedModel.of([says("done"), says("tested")]),
    );
    const run = await session.settled((await session.submit("go")).run_id);
    expect(run.status).toBe("completed");
    expect(hooks.calls.map(({ payload }) => payload)).toEqual([
      { last_assistant_message: "done", stop_hook_active: false },
      { last_assistant_message: "tested", stop_hook_active: true },
    ]);
    expect(JSON.stringify(model.requests[1]?.messages.at(-1))).toContain("run the tests");
    expect(await session.events("output")).toHaveLength(1);
  });

  test("03 a run that its stop hooks never let end fails instead of passing their gate", async () => {
    const hooks = new HookWorld().on("stop", () => ({ decision: "block", stop_reason: "red" }));
    const { session, model, daemon } = await world(hooks, hooksAt(["stop", "stop_failure"]));
    const run = await session.settled((await session.submit("go")).run_id);
    expect(run).toMatchObject({ status: "failed", error_code: "hook_blocked" });
    expect(model.requests).toHaveLength(4);
    await settleHooks(daemon, () => hooks.of("stop_failure").length, 1);
    expect(hooks.of("stop_failure")).toMatchObject([
      { subject: "hook_blocked", payload: { error: run.error, error_code: "hook_blocked" } },
    ]);
  });

  test("03 session_end is told when a session is ended", async () => {
    const hooks = new HookWorld();
    const { session, daemon } = await world(hooks, hooksAt(["session_end"]));
    await session.call("endSession", { reason: "all done" });
    await settleHooks(daemon, () => hooks.calls.length, 1);
    expect(hooks.calls).toMatchObject([
      { event: "session_end", session_id: "s", payload: { reason: "all done" } },
    ]);
  });
});

describe("compaction", () => {
  const limits = { context_tokens: 20_000, max_output_tokens: 1_000 };
  const look = () => calls([{ name: "look" }]);
  const compacting = (summaries: { count: number }) =>
    new ScriptedModel((request) => {
      if (request.kind === "compaction") {
        summaries.count += 1;
        return says("<summary>what was</summary>");
      }
      return request.turn < 8 ? look() : says("done");
    }, limits);

  test("01-R78 pre_compact may refuse, and post_compact is told what was done", async () => {
    const summaries = { count: 0 };
    const hooks = new HookWorld();
    const { session, daemon } = await world(
      hooks,
      hooksAt(["pre_compact", "post_compact"]),
      compacting(summaries),
    );
    await session.settled((await session.submit("go")).run_id);
    expect(summaries.count).toBeGreaterThan(0);
    await settleHooks(daemon, () => hooks.of("post_compact").length, 1);
    expect(hooks.of("pre_compact")[0]).toMatchObject({
      subject: "auto",
      payload: { strategy: "model_driven" },
    });
    expect(hooks.of("post_compact")[0]?.payload).toMatchObject({ strategy: "model_driven", trigger: "auto" });
  });

  test("01-R78 a veto lets the prompt go out as it is, and is asked for once a turn", async () => {
    const summaries = { count: 0 };
    const hooks = new HookWorld().on("pre_compact", () => ({ decision: "block" }));
    const { session } = await world(hooks, hooksAt(["pre_compact"]), compacting(summaries));
    const run = await session.settled((await session.submit("go")).run_id);
    expect(run.status).toBe("completed");
    expect(summaries.count).toBe(0);
    expect(hooks.calls.length).toBeGreaterThan(0);
    const keys = new Set(hooks.calls.map(({ invocation_key }) => invocation_key));
    expect(keys.size).toBe(hooks.calls.length);
  });
});
