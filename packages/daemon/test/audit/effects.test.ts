import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { createBuiltinTools } from "../../src/tools/index.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { TestSession } from "../support/session.ts";
import { askTool, Gate, succeeded, testTool } from "../support/tools.ts";
import { actionsOf } from "./support.ts";

const createRig = useRigs();

const builtin = createBuiltinTools({ hostEnv: { PATH: process.env.PATH }, includeNoop: true }).all();

/** One call of every tool that there is. A new tool fails the test until it is called here. */
const CALLS: Record<string, object> = {
  apply_patch: { hunks: ["a.txt", "b.txt"].map((path) => ({ path, old_text: "old", new_text: "older" })) },
  bash: { command: "exit 3" },
  create_goal: { objective: "audit everything" },
  edit_file: { path: "a.txt", old_text: "old", new_text: "new" },
  get_goal: {},
  glob_search: { pattern: "*.txt" },
  grep_search: { pattern: "new", base: "." },
  list_files: {},
  noop: {},
  read_file: { path: "a.txt" },
  task_create: { title: "audit everything" },
  task_delete: { task_id: "task-1" },
  task_get: { task_id: "task-1" },
  task_list: {},
  task_output: { task_id: "task-1" },
  task_stop: { task_id: "task-1" },
  task_update: { task_id: "task-1", title: "nothing" },
  todo_write: { todos: [] },
  update_goal: { status: "complete" },
  write_file: { path: "weird\tname.txt", content: "x" },
};
const INTERNAL = [
  "ask_user_question",
  "create_goal",
  "enter_plan_mode",
  "exit_plan_mode",
  "get_goal",
  "task_create",
  "task_delete",
  "task_get",
  "task_list",
  "task_output",
  "task_stop",
  "task_update",
  "todo_write",
  "update_goal",
];
/** These park a run behind somebody, or end what it may do. */
const PARKING = ["ask_user_question", "enter_plan_mode", "exit_plan_mode"];

describe("every effect has its records", () => {
  test("02-R74 each call of each tool that reaches beyond the daemon's own state, and each model call", async () => {
    expect(builtin.filter(({ boundary }) => boundary === "internal").map(({ name }) => name)).toEqual(
      INTERNAL,
    );
    const called = builtin.filter(({ name }) => !PARKING.includes(name));
    expect(called.map(({ name }) => name)).toEqual(Object.keys(CALLS));

    const rig = await createRig(called);
    for (const name of ["a.txt", "b.txt"]) await writeFile(join(rig.directory, "workspace", name), "old\n");
    // Tools that really work take real time.
    const daemon = await rig.boot({ clock: systemClock });
    await daemon.call("setPermissionMode", { body: { mode: "bypassPermissions" } });
    const session = await TestSession.create(daemon);
    const turns = Object.entries(CALLS).map(([name, input]) => ({ tool_calls: [{ name, input }] }));
    const { run_id: runId } = await session.play([...turns, { text: "done" }]);
    await until(async () => (await session.run(runId)).status === "completed");

    const records = await actionsOf(daemon, runId);
    const models = records.filter(({ kind }) => kind === "provider_request");
    expect(models.map(({ phase, target, outcome }) => [phase, target, outcome])).toEqual(
      [...turns, {}].flatMap(() => [
        ["request", "simulator", undefined],
        ["response", "simulator", "ok"],
      ]),
    );
    const tools = records.filter(({ tool_call_id: id }) => id !== undefined);
    expect(tools.map(({ phase, kind, target, outcome }) => [phase, kind, target, outcome])).toEqual([
      ["request", "file_write", "workspace:a.txt and 1 more", undefined],
      ["response", "file_write", "workspace:a.txt and 1 more", "ok"],
      ["request", "shell", "bash", undefined],
      ["failed", "shell", "bash", "failed:exit_status"],
      ["request", "file_write", "workspace:a.txt", undefined],
      ["response", "file_write", "workspace:a.txt", "ok"],
      ["request", "file_read", "workspace:.", undefined],
      ["response", "file_read", "workspace:.", "ok"],
      ["request", "file_read", "workspace:.", undefined],
      ["response", "file_read", "workspace:.", "ok"],
      ["request", "file_read", "workspace:.", undefined],
      ["response", "file_read", "workspace:.", "ok"],
      ["request", "tool", "noop", undefined],
      ["response", "tool", "noop", "ok"],
      ["request", "file_read", "workspace:a.txt", undefined],
      ["response", "file_read", "workspace:a.txt", "ok"],
      ["request", "file_write", expect.stringMatching(/^invalid_path_sha256:[0-9a-f]{16}$/), undefined],
      ["response", "file_write", expect.stringMatching(/^invalid_path_sha256:[0-9a-f]{16}$/), "ok"],
    ]);
    for (const record of records) {
      expect(record).toMatchObject({
        session_id: "s",
        run_id: runId,
        principal_id: "test",
        agent_id: expect.any(String),
      });
      expect(record.signature_alg).toBe("ed25519");
    }
    // Every request says what was sent, and none of it is in the record.
    expect(
      records.filter(({ phase, request_digest: digest }) => phase === "request" && digest === undefined),
    ).toEqual([]);
    expect(JSON.stringify(records)).not.toContain("exit 3");
  });

  test("02-R74 the digest of a prompt changes with what the model is shown", async () => {
    const rig = await createRig([testTool("look")]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([{ tool_calls: [{ name: "look", input: {} }] }, { text: "done" }]);
    await session.settled(run.run_id);
    const digests = (await actionsOf(daemon, run.run_id))
      .filter(({ kind, phase }) => kind === "provider_request" && phase === "request")
      .map(({ request_digest: digest }) => digest);
    expect(new Set(digests).size).toBe(2);
  });

  test("02-R74 an attempt that failed and was made again left twice", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const error = { status: 529, message: "busy", retryable: true, times: 2 };
    const run = await session.play([{ text: "done", error }]);
    await session.settled(run.run_id);
    expect((await actionsOf(daemon, run.run_id)).map(({ phase, outcome }) => [phase, outcome])).toEqual([
      ["request", undefined],
      ["failed", "failed:status"],
      ["request", undefined],
      ["failed", "failed:status"],
      ["request", undefined],
      ["response", "ok"],
    ]);
  });

  test.each([
    [400, "failed:invalid_request"],
    [401, "failed:unauthorized"],
    [429, "failed:status"],
  ])("02 weakness 22: a provider's %i is told by its class", async (status, outcome) => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([
      { error: { status, message: "status json timeout", retryable: false, times: 0 } },
    ]);
    await session.settled(run.run_id);
    expect((await actionsOf(daemon, run.run_id)).at(-1)).toMatchObject({ phase: "failed", outcome });
  });

  test("02-R74 a run that is cancelled says of a call that it was interrupted", async () => {
    const hanging = testTool("send", { effect: "once", execute: () => new Promise(() => undefined) });
    const rig = await createRig([hanging]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    await session.call("putOperator", {
      operator: { enabled: true, allow_notify: true, allow_questions: true },
    });
    await daemon.call("setPermissionMode", { body: { mode: "bypassPermissions" } });
    const run = await session.play([{ tool_calls: [{ name: "send", input: {} }] }]);
    await until(async () => (await actionsOf(daemon, run.run_id)).some(({ kind }) => kind === "tool"));
    await daemon.call("cancelRun", { params: { run_id: run.run_id } });
    expect((await actionsOf(daemon, run.run_id)).at(-1)).toMatchObject({
      phase: "failed",
      target: "send",
      outcome: "failed:interrupted",
    });
  });

  test("02 weakness 6: who allowed a call stands between its request by the model and its dispatch", async () => {
    const rig = await createRig([
      testTool("bash", { effect: "once", execute: async () => succeeded("ran") }),
    ]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "done" }]);
    const waiting = await session.settled(run.run_id);
    const [request_id] = waiting.pending_approvals?.map(({ id }) => id) ?? [];
    await daemon.call("resolveRunApprovals", {
      params: { run_id: run.run_id },
      body: { resolutions: [{ request_id, behavior: "allow" }] },
    });
    await session.settled(run.run_id);
    const told = (await actionsOf(daemon, run.run_id)).filter(({ tool_call_id: id }) => id !== undefined);
    expect(told.map(({ kind, phase, principal_id: by, outcome }) => [kind, phase, by, outcome])).toEqual([
      ["approval", "applied", "test", "allow"],
      ["tool", "request", "test", undefined],
      ["tool", "response", "test", "ok"],
    ]);
  });
});

describe("02 weakness 6: who had a say in a run", () => {
  const said = async (daemon: RiggedDaemon, runId: string) =>
    (await actionsOf(daemon, runId))
      .filter(({ phase }) => phase === "applied")
      .map(({ kind, principal_id: by, outcome }) => [kind, by, outcome]);

  async function asking() {
    const rig = await createRig([askTool()]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const run = await session.play([
      { tool_calls: [{ name: "ask_user_question", input: {} }] },
      { text: "done" },
    ]);
    const waiting = await session.reaches(run.run_id, "waiting_for_user_question");
    return { daemon, session, runId: run.run_id, question: waiting.pending_questions?.[0]?.id ?? "" };
  }

  test("whoever answered its question", async () => {
    const { daemon, session, runId } = await asking();
    await session.answer(runId, "yes");
    await session.settled(runId);
    expect(await said(daemon, runId)).toEqual([["question", "test", "answered"]]);
    const [record] = (await actionsOf(daemon, runId)).filter(({ kind }) => kind === "question");
    expect(record).toMatchObject({ target: "ask_user_question", tool_call_id: expect.any(String) });
  });

  test("whoever declined to, or cancelled it with the run", async () => {
    const one = await asking();
    const resolution = { request_id: one.question, answers: [], declined: true };
    await one.daemon.call("answerRunQuestion", { params: { run_id: one.runId }, body: { resolution } });
    await one.session.settled(one.runId);
    expect(await said(one.daemon, one.runId)).toEqual([["question", "test", "declined"]]);
    const other = await asking();
    await other.daemon.call("cancelRunQuestion", {
      params: { run_id: other.runId, request_id: other.question },
      body: {},
    });
    expect(await said(other.daemon, other.runId)).toEqual([["run_control", "test", "cancelled"]]);
  });

  test("whoever cancelled it, interrupted it, or cleared the queue that it stood in", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("wait", { execute: gate.execute })]);
    const daemon = await rig.boot({ permissionMode: "bypassPermissions" });
    const session = await TestSession.create(daemon);
    const turns = [{ tool_calls: [{ name: "wait", input: {} }] }, { text: "done" }];
    const first = await session.play(turns);
    await until(async () => gate.begun.length === 1);
    await daemon.call("cancelRun", { params: { run_id: first.run_id } });
    await daemon.call("cancelRun", { params: { run_id: first.run_id } });
    expect(await said(daemon, first.run_id), "once").toEqual([["run_control", "test", "cancelled"]]);

    const second = await session.play(turns);
    const queued = await session.play(turns);
    // Whoever held the session for the first run leaves it; the next drive looks again in a second.
    while (gate.begun.length < 2) await rig.clock.advance(250);
    await session.call("interruptSession", undefined, { clear_queue: "true" });
    expect(await said(daemon, second.run_id)).toEqual([["run_control", "test", "interrupted"]]);
    expect((await session.run(queued.run_id)).status).toBe("cancelled");
    const { lines } = (await daemon.call("exportAudit", { query: { session_id: "s" } })).json as unknown as {
      lines: string[];
    };
    const ofSession = lines
      .map((line) => JSON.parse(line) as { bucket?: string; record?: object })
      .filter(({ bucket }) => bucket === "session-s");
    expect(ofSession.map(({ record }) => record)).toMatchObject([
      { kind: "run_control", target: "queue", outcome: "cancelled", principal_id: "test" },
    ]);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}
