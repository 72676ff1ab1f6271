import { readFile, writeFile } from "node:fs/promises";
import { HookEvent, HookInput, type HookPayload, HookPayloads, type Json } from "@kheish/contract";
import { expect, test } from "vitest";
import { hookInput } from "../../src/engine/index.ts";
import { taskTools } from "../../src/tools/tasks/task-tools.ts";
import { useRigs } from "../support/fixture.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";
import { HookWorld, hooksAt, setHooks } from "./hook-world.ts";

const createRig = useRigs();
const GOLDEN = new URL("./hook-events.golden.json", import.meta.url);

const tools = [
  testTool("work", { execute: async () => succeeded({ did: "work" }) }),
  testTool("broken", {
    execute: async () => ({ kind: "result", output: { error: "no such thing" }, is_error: true }),
  }),
  testTool("edit", {
    execute: async () => ({
      ...succeeded("written"),
      context_updates: [{ type: "file_modified", path: "docs/a.md" }],
    }),
  }),
  testTool("look", { execute: async () => succeeded("x".repeat(8_000)) }),
  testTool("bash"),
  askTool(),
  ...taskTools(),
];

/** A conversation that comes by everything a hook can be called at. */
function model(): ScriptedModel {
  return new ScriptedModel(
    (request) => {
      if (request.kind === "compaction") return says("<summary>what was</summary>");
      const wanted = textOf(request.messages);
      if (wanted.startsWith("long")) return request.turn < 8 ? calls([{ name: "look" }]) : says("read");
      if (wanted.startsWith("fail")) return fails("auth", "no such key");
      const plan = ["work", "broken", "edit", "bash", "ask_user_question", "task_create", "task_update"];
      const name = wanted.startsWith("denied") ? ["bash"][request.turn] : plan[request.turn];
      return name === undefined ? says("All done.") : calls([{ name, input: inputOf(name, request) }]);
    },
    { context_tokens: 20_000, max_output_tokens: 1_000 },
  );
}

function inputOf(name: string, { turn, messages }: ScriptedModel["requests"][number]): Json {
  if (name === "task_create") return { title: "Write the tests", owner_agent_id: "agent-1" };
  if (name !== "task_update") return { n: turn };
  const task_id = /"(task-\d+)"/.exec(JSON.stringify(messages))?.[1] ?? "";
  return { task_id, status: "completed", output: "12 tests" };
}

function textOf(messages: ScriptedModel["requests"][number]["messages"]): string {
  const first = messages.findLast((message) => message.role === "user" && message.synthetic !== true);
  return first?.role === "user"
    ? first.parts.map((part) => (part.type === "text" ? part.text : "")).join("")
    : "";
}

/** What no part of the daemon does yet; the shape is what a later one tells. */
const NOT_CALLED: { [E in HookEvent]?: { subject: string; payload: HookPayload<E> } } = {
  subagent_start: {
    subject: "sidechain",
    payload: { agent_id: "agent-2", session_id: "s-2", agent_type: "plan" },
  },
  subagent_stop: {
    subject: "sidechain",
    payload: { agent_id: "agent-2", session_id: "s-2", agent_type: "plan", status: "completed" },
  },
  teammate_idle: { subject: "reviewers", payload: { agent_id: "agent-2", team_name: "reviewers" } },
  worktree_create: { subject: "trees/a", payload: { path: "trees/a", agent_id: "agent-2" } },
  worktree_remove: { subject: "trees/a", payload: { path: "trees/a", agent_id: "agent-2" } },
  instructions_loaded: { subject: "AGENTS.md", payload: { path: "AGENTS.md", bytes: 1_024 } },
  cwd_changed: { subject: "src", payload: { from: ".", to: "src" } },
};

test("03 the 27 events, each with the exact call that its hooks get", async () => {
  const hooks = new HookWorld();
  const rig = await createRig(tools);
  const daemon = await rig.boot({ callbacks: hooks.callbacks, models: model() });
  await setHooks(daemon, hooksAt(HookEvent.options));
  const session = await TestSession.create(daemon);
  const { run_id } = await session.submit("Do it.");
  const [approval] = (await session.settled(run_id)).pending_approvals ?? [];
  await session.resolve(run_id, { request_id: approval?.id ?? "", behavior: "allow" });
  await session.settled(run_id);
  await session.answer(run_id, "yes");
  expect((await session.settled(run_id)).status).toBe("completed");
  await session.call("endSession", { reason: "the work is done" });
  await daemon.call("setPermissionMode", { body: { mode: "dontAsk" } });
  for (const id of ["denied", "fail", "long"]) {
    const other = await TestSession.create(daemon, id);
    await other.settled((await other.submit(id)).run_id);
  }

  const called = HookEvent.options.filter((event) => NOT_CALLED[event] === undefined);
  await until("every event", () => called.every((event) => hooks.of(event).length > 0));
  const golden: Record<string, HookInput> = {};
  for (const event of HookEvent.options) {
    const planned = NOT_CALLED[event];
    const scope = { session_id: "s", agent_id: "agent-1", run_id: "run-1" };
    golden[event] =
      planned === undefined
        ? (hooks.of(event)[0] as HookInput)
        : hookInput(event, scope, { place: [event], ...planned } as never);
    expect(HookInput.parse(golden[event])).toEqual(golden[event]);
    const payload = golden[event]?.payload;
    expect(HookPayloads[event].parse(payload), "nothing but what the contract names").toEqual(payload);
  }
  const shown = JSON.stringify(golden, null, 2).replaceAll(rig.directory, "<directory>");
  if (process.env.UPDATE_GOLDEN === "1") await writeFile(GOLDEN, `${shown}\n`);
  expect(JSON.parse(shown)).toEqual(JSON.parse(await readFile(GOLDEN, "utf8")));
  expect(Object.keys(golden)).toHaveLength(27);
});
