import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { askTool, succeeded, testTool } from "../support/tools.ts";
import { HookWorld, hooksAt, setHooks, settleHooks } from "./hook-world.ts";

const createRig = useRigs();
const done: string[] = [];
const work = testTool("work", {
  effect: "once",
  execute: async (input) => {
    done.push(JSON.stringify(input));
    return succeeded({ did: input });
  },
});
const broken = testTool("broken", {
  execute: async () => ({ kind: "result", output: { error: "no" }, is_error: true }),
});
const bash = testTool("bash", { effect: "once", execute: async (input) => succeeded({ ran: input }) });
const turn = (name: string, input: object = { n: 1 }) => ({ tool_calls: [{ name, input }] });

async function world(hooks: HookWorld, settings: object) {
  done.length = 0;
  const rig = await createRig([work, broken, bash, askTool()]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks });
  await setHooks(daemon, settings);
  return { rig, daemon, session: await TestSession.create(daemon) };
}

describe("before a call", () => {
  test("03-R46 a hook that blocks keeps it from leaving, and the model is told why", async () => {
    const hooks = new HookWorld().on("pre_tool_use", () => ({ decision: "block", stop_reason: "not now" }));
    const { session } = await world(hooks, hooksAt(["pre_tool_use"], { matcher: "wor?" }));
    const { run_id } = await session.play([turn("work"), turn("broken"), { text: "{{last_tool_output}}" }]);
    expect((await session.settled(run_id)).status).toBe("completed");
    expect(done).toEqual([]);
    expect(await session.outputs()).toEqual([{ error: "not now", hook_blocked: true }, { error: "no" }]);
    expect(
      hooks.calls.map(({ subject }) => subject),
      "the matcher is held against the tool",
    ).toEqual(["work"]);
    const [finished] = await session.events("tool_call_finished");
    expect(finished?.ledger).toBe("denied");
    expect(await session.events("tool_call_started")).toHaveLength(1);
  });

  test("03-R46 a hook must not change the input that was decided about", async () => {
    const hooks = new HookWorld().on("pre_tool_use", () => ({ updated_input: { n: 2 } }));
    const { session } = await world(hooks, hooksAt(["pre_tool_use"]));
    await session.settled((await session.play([turn("work"), { text: "ok" }])).run_id);
    expect(done).toEqual([]);
    expect(await session.outputs()).toMatchObject([{ hook_blocked: true }]);
  });

  test("03-R44 hooks are called in order, and none after one that blocks", async () => {
    const seen: string[] = [];
    const hooks = new HookWorld();
    const rig = await createRig([work]);
    const named = (name: string) => ({ name, executor: { type: "callback", name } });
    const daemon = await rig.boot({
      callbacks: Object.fromEntries(
        ["first", "second", "third"].map((name) => [
          name,
          async () => {
            seen.push(name);
            return name === "second" ? { continue_execution: false, stop_reason: name } : {};
          },
        ]),
      ),
    });
    await setHooks(daemon, { hooks: { pre_tool_use: ["first", "second", "third"].map(named) } });
    const session = await TestSession.create(daemon);
    await session.settled((await session.play([turn("work"), { text: "ok" }])).run_id);
    expect(seen).toEqual(["first", "second"]);
    expect(await session.outputs()).toEqual([{ error: "second", hook_blocked: true }]);
    expect(hooks.calls).toEqual([]);
  });
});

describe("after a call", () => {
  test("03-R46 a hook replaces an output, turns success into an error, and adds what the model should know", async () => {
    const hooks = new HookWorld()
      .on("post_tool_use", ({ payload }) =>
        JSON.stringify(payload).includes('"n":2')
          ? { decision: "block", stop_reason: "unsafe" }
          : { updated_output: "clean", additional_contexts: ["it was dirty"] },
      )
      .on("post_tool_use_failure", () => ({ updated_output: { error: "try another tool" } }));
    const { session } = await world(hooks, hooksAt(["post_tool_use", "post_tool_use_failure"]));
    const { run_id } = await session.play([
      turn("work"),
      { text: "saw {{last_tool_output}}", ...turn("work", { n: 2 }) },
      { text: "saw {{last_tool_output}}", ...turn("broken") },
      { text: "saw {{last_tool_output}}" },
    ]);
    expect((await session.settled(run_id)).status).toBe("completed");
    const texts = (await session.events("message_appended")).flatMap(({ message }) =>
      message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])),
    );
    expect(texts[0]).toBe("saw clean");
    expect(JSON.parse(texts[1]?.slice(4) ?? "")).toEqual({
      error: "unsafe",
      hook_blocked: true,
      output: { did: { n: 2 } },
    });
    expect(texts[2]).toBe('saw {"error":"try another tool"}');
    expect(done, "what was done was done").toHaveLength(2);
    const [raw] = await session.outputs();
    expect(raw, "the journal keeps what the tool said").toEqual({ did: { n: 1 } });
  });

  test("03 file_changed is told for each file that a call wrote, after its result is on disk", async () => {
    const hooks = new HookWorld();
    const writes = testTool("edit", {
      execute: async () => ({
        ...succeeded("written"),
        context_updates: [
          { type: "file_modified", path: "docs/a.md" },
          { type: "file_read", path: "b.md" },
        ],
      }),
    });
    const rig = await createRig([writes]);
    const daemon = await rig.boot({ callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["file_changed"], { matcher: "docs/*" }));
    const session = await TestSession.create(daemon);
    await session.play([turn("edit"), { text: "ok" }]);
    await settleHooks(daemon, () => hooks.calls.length, 1);
    expect(hooks.calls).toMatchObject([
      {
        event: "file_changed",
        subject: "docs/a.md",
        payload: { path: "docs/a.md", tool_name: "edit", tool_call_id: "sim-0-0" },
      },
    ]);
  });
});

describe("permissions", () => {
  test("03-R24 a hook's allow spares the human, and the audit says that a hook decided", async () => {
    const hooks = new HookWorld().on("permission_request", () => ({ permission: "allow" }));
    const { session } = await world(hooks, hooksAt(["permission_request"]));
    const run = await session.settled((await session.play([turn("bash"), { text: "ok" }])).run_id);
    expect(run.status).toBe("completed");
    expect(await session.outputs()).toEqual([{ ran: { n: 1 } }]);
    const [{ audit } = { audit: undefined }] = await session.events("permission_audit");
    expect(audit).toMatchObject({
      decision: "allow",
      base_decision: "ask",
      justification: "permission_request hook",
    });
  });

  test("03-R24 a hook's deny, or a block, denies", async () => {
    const hooks = new HookWorld().on("permission_request", () => ({
      permission: "deny",
      stop_reason: "never",
    }));
    const { session } = await world(hooks, hooksAt(["permission_request"]));
    await session.settled((await session.play([turn("bash"), { text: "ok" }])).run_id);
    expect(await session.outputs()).toEqual([{ error: "never", denied: true }]);
  });

  test("03-R24 an updated input is what the human sees and what runs", async () => {
    const hooks = new HookWorld().on("permission_request", () => ({ updated_input: { n: 7 } }));
    const { session } = await world(hooks, hooksAt(["permission_request"]));
    const { run_id } = await session.play([turn("bash"), { text: "ok" }]);
    const waiting = await session.settled(run_id);
    expect(waiting.pending_approvals).toMatchObject([{ tool_name: "bash", input: { n: 7 } }]);
    const [asked] = waiting.pending_approvals ?? [];
    await session.resolve(run_id, { request_id: asked?.id ?? "", behavior: "allow" });
    await session.settled(run_id);
    expect(await session.outputs()).toEqual([{ ran: { n: 7 } }]);
  });

  test("03-R25 03-R20 a rule of a hook holds at once, after a restart, and for this session only", async () => {
    const rule = { scope: "session", tool_name_pattern: "bash", behavior: "allow" };
    const hooks = new HookWorld().on("permission_request", () => ({
      permission: "allow",
      updated_permissions: [rule],
    }));
    const { rig, daemon, session } = await world(hooks, hooksAt(["permission_request"]));
    await session.settled((await session.play([turn("bash"), turn("bash"), { text: "ok" }])).run_id);
    expect(hooks.calls, "the second call is not asked about").toHaveLength(1);
    await daemon.stop();
    const again = await rig.boot({ callbacks: hooks.callbacks });
    const check = async (session_id: string) =>
      (await again.call("checkPermission", { body: { tool_name: "bash", session_id } })).json;
    expect(await check("s")).toMatchObject({ decision: "allow", matched_rule_origin: "hook_update" });
    const other = await TestSession.create(again, "other");
    expect(await check(other.id)).toMatchObject({ decision: "ask", matched_rule_origin: "static" });
    expect(hooks.calls, "03-R27 a dry run calls no hook").toHaveLength(1);
  });

  test("03-R25 a rule beyond the session is an error, and nothing of the answer is applied", async () => {
    const rule = { scope: "user", tool_name_pattern: "*", behavior: "allow" };
    const hooks = new HookWorld().on("permission_request", () => ({
      permission: "allow",
      updated_permissions: [rule],
    }));
    const { session, daemon } = await world(hooks, hooksAt(["permission_request"]));
    await session.settled((await session.play([turn("bash"), { text: "ok" }])).run_id);
    // A guard that cannot be understood has not agreed (03-A3).
    expect(await session.outputs()).toMatchObject([{ denied: true }]);
    const { json } = await daemon.call("checkPermission", { body: { tool_name: "bash", session_id: "s" } });
    expect(json).toMatchObject({ decision: "ask", matched_rule_origin: "static" });
  });

  test("03-R46 01-R86 permission_denied may let the model try again twice, and never blocks", async () => {
    const hooks = new HookWorld().on("permission_denied", () => ({ retry: true, decision: "block" }));
    const { session, daemon } = await world(hooks, hooksAt(["permission_denied"]));
    await daemon.call("setPermissionMode", { body: { mode: "dontAsk" } });
    const turns = [turn("bash"), turn("bash"), turn("bash"), { text: "ok" }];
    const run = await session.settled((await session.play(turns)).run_id);
    expect(run.status).toBe("completed");
    const outputs = await session.outputs();
    expect(outputs.map((output) => (output as { retry?: boolean }).retry === true)).toEqual([
      true,
      true,
      false,
    ]);
    expect(hooks.of("permission_denied")[0]?.payload).toMatchObject({
      permission_mode: "dontAsk",
      scope: "default",
    });
  });
});

describe("questions", () => {
  test("03 elicitation may keep a question from being asked; its answer is told", async () => {
    let blocked = true;
    const hooks = new HookWorld().on("elicitation", () =>
      blocked ? { decision: "block", stop_reason: "quiet" } : {},
    );
    const { session, daemon } = await world(
      hooks,
      hooksAt(["elicitation", "elicitation_result", "notification"]),
    );
    const first = await session.settled(
      (await session.play([turn("ask_user_question"), { text: "ok" }])).run_id,
    );
    expect(first.status).toBe("completed");
    expect(await session.outputs()).toEqual([{ error: "quiet", hook_blocked: true }]);
    blocked = false;
    const { run_id } = await session.play([turn("ask_user_question"), { text: "ok" }]);
    expect((await session.settled(run_id)).status).toBe("waiting_for_user_question");
    await session.answer(run_id, "yes");
    await settleHooks(daemon, () => hooks.of("elicitation_result").length, 1);
    await settleHooks(daemon, () => hooks.of("notification").length, 1);
    expect(hooks.of("notification")).toMatchObject([{ subject: "question_asked" }]);
    expect(hooks.of("elicitation_result")).toMatchObject([
      { payload: { resolution: { declined: false, answers: [{ selected_option_ids: ["yes"] }] } } },
    ]);
  });
});
