import { describe, expect, test } from "vitest";
import { todoWriteTool } from "../../src/tools/interaction/todo-write.ts";
import { planTools } from "../../src/tools/planning/plan-tools.ts";
import { taskTools } from "../../src/tools/tasks/task-tools.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const enter = { name: "enter_plan_mode", input: { note: "how to" } };
const leave = { name: "exit_plan_mode", input: { plan: "1. write it", summary: "write" } };
const write = { name: "write_file", input: { path: "a", content: "" } };
const read = { name: "read_file", input: { path: "a" } };
const turn = (...tool_calls: object[]) => ({ tool_calls });
const done = { text: "done" };

async function planning(options: BootOptions = {}) {
  const written: string[] = [];
  const tools = [
    ...planTools(),
    testTool("read_file"),
    testTool("write_file", {
      execute: async () => {
        written.push("written");
        return succeeded("ok");
      },
    }),
  ];
  const rig = await createRig(tools);
  const daemon = await rig.boot(options);
  return { rig, daemon, session: await TestSession.create(daemon), written };
}

async function allowPlan(session: TestSession, runId: string) {
  const run = await session.reaches(runId, "waiting_for_approval");
  const [asked] = run.pending_approvals ?? [];
  expect(asked).toMatchObject({ tool_name: "exit_plan_mode", input: leave.input });
  await session.resolve(runId, { request_id: asked?.id ?? "", behavior: "allow" });
}

describe("03-R28 plan mode", () => {
  test("denies what is not planning until the plan is approved, restores the mode and keeps the plan", async () => {
    const { session, written } = await planning({ permissionMode: "acceptEdits" });
    const { run_id } = await session.play([turn(enter), turn(write, read), turn(leave), turn(write), done]);
    await allowPlan(session, run_id);
    expect(await session.settled(run_id)).toMatchObject({ status: "completed" });
    const outputs = await session.outputs();
    expect(outputs[0]).toEqual({
      plan_mode: true,
      pre_plan_mode: "acceptEdits",
      note: "how to",
      todos: [],
      tasks: [],
    });
    expect(outputs[1]).toMatchObject({ denied: true, error: expect.stringContaining("plan mode") });
    expect(outputs[3]).toEqual({
      plan_mode: false,
      restored_permission_mode: "acceptEdits",
      plan_artifact: { ...leave.input, run_id, created_at_ms: expect.any(Number) },
      todos: [],
      tasks: [],
    });
    expect(written).toHaveLength(1);
    const audits = (await session.events("permission_audit")).map(({ audit }) => audit);
    expect(
      audits.map(({ tool_name, effective_mode, decision }) => `${tool_name} ${effective_mode} ${decision}`),
    ).toEqual([
      "enter_plan_mode acceptEdits allow",
      "write_file plan deny",
      "read_file plan allow",
      "exit_plan_mode plan ask",
      "write_file acceptEdits allow",
    ]);
    const view = (await session.call("getSession")).json;
    expect(view).toMatchObject({ plan_artifact: { plan: "1. write it", run_id } });
    expect(view).not.toHaveProperty("permission_mode");
  });

  test("shows what there is to do, on its way in and out", async () => {
    const rig = await createRig([...planTools(), ...taskTools(), todoWriteTool()]);
    const session = await TestSession.create(await rig.boot({ permissionMode: "bypassPermissions" }));
    const make = (title: string) => ({ name: "task_create", input: { title } });
    const todo = { name: "todo_write", input: { todos: [{ content: "look around" }] } };
    const { run_id } = await session.play([
      turn(todo, make("one")),
      turn(enter),
      turn(make("two"), leave),
      done,
    ]);
    await allowPlan(session, run_id);
    await session.settled(run_id);
    const outputs = await session.outputs();
    const todos = [expect.objectContaining({ content: "look around" })];
    const task = (title: string) => expect.objectContaining({ title, status: "pending", revision: 1 });
    expect(outputs.filter((output) => "plan_mode" in (output as object))).toMatchObject([
      { plan_mode: true, todos, tasks: [task("one")] },
      { plan_mode: false, todos, tasks: [task("one"), task("two")] },
    ]);
  });

  test("holds for the calls behind it in the same batch", async () => {
    const { session, written } = await planning({ permissionMode: "bypassPermissions" });
    const { run_id } = await session.play([turn(enter, write), done]);
    await session.settled(run_id);
    expect(written).toEqual([]);
    expect((await session.events("permission_audit")).at(-1)).toMatchObject({
      audit: { decision: "deny", mode_effect: "plan_mode_denied_non_whitelisted_tool" },
    });
  });

  test("outlives its run and the daemon: the session plans until the plan is approved", async () => {
    const { rig, daemon, session } = await planning({ permissionMode: "bypassPermissions" });
    await session.settled((await session.play([turn(enter), done])).run_id);
    await daemon.stop();
    const next = await rig.boot({ store: daemon.store });
    const again = new TestSession(next);
    expect((await again.call("getSession")).json).toMatchObject({ permission_mode: "plan" });
    const body = { tool_name: "write_file", session_id: again.id, input: write.input };
    expect((await next.call("checkPermission", { body })).json).toMatchObject({
      effective_mode: "plan",
      decision: "deny",
    });
    const { run_id } = await again.play([turn(write), turn(leave), turn(write), done]);
    await allowPlan(again, run_id);
    await again.settled(run_id);
    expect((await again.events("permission_audit")).map(({ audit }) => audit.decision)).toEqual([
      "allow",
      "deny",
      "ask",
      "allow",
    ]);
  });

  test("a plan that is denied leaves the session planning", async () => {
    const { session } = await planning();
    const { run_id } = await session.play([turn(enter), turn(leave), turn(write), done]);
    const run = await session.reaches(run_id, "waiting_for_approval");
    await session.resolve(run_id, { request_id: run.pending_approvals?.[0]?.id ?? "", behavior: "deny" });
    await session.settled(run_id);
    expect((await session.call("getSession")).json).toMatchObject({ permission_mode: "plan" });
    expect((await session.call("getSession")).json).not.toHaveProperty("plan_artifact");
    expect((await session.events("permission_audit")).at(-1)).toMatchObject({ audit: { decision: "deny" } });
  });

  test("is not entered twice, and not left by who did not enter it", async () => {
    const twice = await planning();
    const { run_id } = await twice.session.play([turn(enter), turn(enter), done]);
    await twice.session.settled(run_id);
    expect((await twice.session.outputs())[1]).toEqual({ error: "the session is in plan mode already" });

    const byOperator = await planning({ permissionMode: "plan" });
    const run = await byOperator.session.play([turn(leave), done]);
    await allowPlan(byOperator.session, run.run_id);
    await byOperator.session.settled(run.run_id);
    expect(await byOperator.session.outputs()).toEqual([
      { error: "the session is not in a plan mode that enter_plan_mode began" },
    ]);
  });

  test("03-R22 the session's own mode goes before the daemon's, also when that changes meanwhile", async () => {
    const { daemon, session } = await planning();
    await session.settled((await session.play([turn(enter), done])).run_id);
    await daemon.call("setPermissionMode", { body: { mode: "acceptEdits" } });
    const { run_id } = await session.play([turn(write), turn(leave), turn(write), done]);
    await allowPlan(session, run_id);
    await session.settled(run_id);
    const outputs = await session.outputs();
    expect(outputs.at(-2)).toMatchObject({ restored_permission_mode: "acceptEdits" });
    expect((await session.events("permission_audit")).map(({ audit }) => audit.effective_mode)).toEqual([
      "default",
      "plan",
      "plan",
      "acceptEdits",
    ]);
  });
});

describe("03 tool_allow and tool_deny of the capability scope", () => {
  test.each([
    [{ tool_deny: ["write_file"] }, ["enter_plan_mode", "exit_plan_mode", "read_file"]],
    [{ tool_allow: ["read_file", "write_file"], tool_deny: ["write_file"] }, ["read_file"]],
    [{ tool_allow: ["*"] }, ["enter_plan_mode", "exit_plan_mode", "read_file", "write_file"]],
    [{ tool_deny: ["*"] }, []],
  ])("%j", async (capability_scope, shown) => {
    const { session, daemon, written } = await planning({ permissionMode: "bypassPermissions" });
    await session.call("putCapabilityScope", { capability_scope });
    const matrix = (await daemon.call("permissionMatrix", { body: { session_id: session.id } })).json;
    const [{ tools }] = matrix.modes as unknown as [{ tools: { tool_name: string; reason?: string }[] }];
    const visible = tools.filter(({ reason }) => reason?.includes("unavailable") !== true);
    expect(visible.map(({ tool_name }) => tool_name).toSorted()).toEqual(shown);
    const { run_id } = await session.play([turn(write), done]);
    await session.settled(run_id);
    expect(written.length).toBe(shown.includes("write_file") ? 1 : 0);
    if (!shown.includes("write_file"))
      expect(await session.outputs()).toEqual([{ error: "tool 'write_file' is unavailable for this agent" }]);
  });
});
