import type { Json, ToolRuntimeLimits } from "@kheish/contract";
import { expect, test } from "vitest";
import type { Tool } from "../../src/engine/index.ts";
import { HookWorld, hooksAt, setHooks } from "../hooks/hook-world.ts";
import { useRigs } from "../support/fixture.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const ADVICE = "what a hook said of it";

/** A daemon whose model makes a turn of these calls and is done. */
async function opened(tool: Tool, count: number, limits: Partial<ToolRuntimeLimits>) {
  const wanted = Array.from({ length: count }, (_, n) => ({ name: tool.name, input: { n } as Json }));
  const model = ScriptedModel.of([calls(wanted), says("done")]);
  const hooks = new HookWorld().on("pre_tool_use", () => ({ additional_contexts: [ADVICE] }));
  const rig = await createRig([tool]);
  const daemon = await rig.boot({ models: model, callbacks: hooks.callbacks });
  await setHooks(daemon, hooksAt(["pre_tool_use"]));
  await daemon.call("setToolLimits", { body: { limits } });
  const session = await TestSession.create(daemon);
  const { run_id } = await session.submit("go");
  expect(await session.settled(run_id)).toMatchObject({ status: "completed" });
  const shown = JSON.stringify(model.requests.at(-1)?.messages);
  return { session, shown };
}

/** Answers little, and says that it changed many files. */
const busy = testTool("busy", {
  execute: async () => ({
    ...succeeded("ok"),
    context_updates: Array.from({ length: 10 }, (_, n) => ({
      type: "file_modified" as const,
      path: `${"deep/".repeat(20)}${n}`,
    })),
  }),
});

test("03-R3 within its limits a result keeps what came with it, and what hooks said", async () => {
  const { session, shown } = await opened(busy, 1, {});
  expect(await session.events("tool_call_finished")).toMatchObject([
    { context_updates: expect.arrayContaining([expect.objectContaining({ type: "file_modified" })]) },
  ]);
  expect(shown).toContain(ADVICE);
});

test("03-R3 result_envelope_bytes counts what comes with an output, and nothing of it is left", async () => {
  const { session, shown } = await opened(busy, 1, { max_result_envelope_bytes: 1_000 });
  const [finished] = await session.events("tool_call_finished");
  expect(finished?.result.output).toEqual({
    error: "the result exceeds result_envelope_bytes",
    quota: "result_envelope_bytes",
    limit_bytes: 1_000,
    // The output itself is "ok".
    actual_bytes: expect.toSatisfy((bytes: number) => bytes > 1_000),
    tool: "busy",
  });
  expect(finished).toMatchObject({ ledger: "failed", result: { is_error: true } });
  expect(finished).not.toHaveProperty("context_updates");
  expect(shown).toContain("result_envelope_bytes");
  expect(shown).not.toContain(ADVICE);
});

test("03-R3 cumulative_result_envelope_bytes counts the results of one turn together", async () => {
  const { session } = await opened(busy, 3, { max_cumulative_result_envelope_bytes: 4_000 });
  const outputs = await session.outputs();
  expect(outputs.slice(0, 2)).toEqual(["ok", "ok"]);
  expect(outputs[2]).toMatchObject({ quota: "cumulative_result_envelope_bytes", limit_bytes: 4_000 });
});

test("03-R1 of several reasons against a call the first in the order of the pipeline is told", async () => {
  let ran = 0;
  const picky = testTool("picky", {
    sandbox: "network_enabled",
    parse: (input) =>
      "good" in (input as object) ? { ok: true, input } : { ok: false, error: "Invalid input at $.good" },
    execute: async () => {
      ran += 1;
      return succeeded("done");
    },
  });
  const hooks = new HookWorld().on("pre_tool_use", () => ({ decision: "block", stop_reason: "not now" }));
  const rig = await createRig([picky, testTool("first")]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks });
  await setHooks(daemon, hooksAt(["pre_tool_use"], { matcher: "picky" }));
  const rule = { scope: "user", tool_name_pattern: "picky", behavior: "deny", reason: "the rules say no" };
  await daemon.call("createPermissionRule", { body: { rule_id: "r", ...rule } });
  const session = await TestSession.create(daemon);
  await session.call("putCapabilityScope", { capability_scope: { tool_deny: ["picky"] } });

  /** What the second call of a turn is told. */
  const told = async (input: Json): Promise<unknown> => {
    const tool_calls = [
      { name: "first", input: {} },
      { name: "picky", input },
    ];
    const { run_id } = await session.play([{ tool_calls }, { text: "done" }]);
    await session.settled(run_id);
    const finished = await session.events("tool_call_finished");
    return finished.findLast(({ result }) => result.tool_name === "picky")?.result.output;
  };
  const limit = (limits: Partial<ToolRuntimeLimits>) => daemon.call("setToolLimits", { body: { limits } });
  const tight = { max_calls_per_turn: 1, max_sandbox: "read_only", max_input_bytes: 4 } as const;

  await limit(tight);
  expect(await told({ bad: 1 })).toMatchObject({
    error: expect.stringContaining("unavailable for this agent"),
  });
  await session.call("deleteCapabilityScope");
  expect(await told({ bad: 1 })).toMatchObject({ quota: "max_calls_per_turn" });
  await limit({ ...tight, max_calls_per_turn: 256 });
  expect(await told({ bad: 1 })).toMatchObject({ quota: "sandbox" });
  await limit({ max_input_bytes: 4 });
  expect(await told({ bad: 1 })).toMatchObject({ quota: "input_bytes" });
  await limit({});
  expect(await told({ bad: 1 })).toEqual({ error: "Invalid input at $.good" });
  expect(await told({ good: 1 })).toMatchObject({ error: "the rules say no", denied: true });
  await daemon.call("deletePermissionRule", { params: { rule_id: "r" } });
  expect(await told({ good: 1 })).toMatchObject({ error: "not now", hook_blocked: true });
  await setHooks(daemon, { hooks: {} });
  expect(ran).toBe(0);
  expect(await told({ good: 1 })).toBe("done");
});

test("03-R8 nobody is asked about a call that the sandbox ceiling keeps from running", async () => {
  const rig = await createRig([testTool("bash", { sandbox: "workspace_write" })]);
  const daemon = await rig.boot();
  await daemon.call("setToolLimits", { body: { limits: { max_sandbox: "read_only" } } });
  const session = await TestSession.create(daemon);
  const { run_id } = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "done" }]);
  expect(await session.settled(run_id)).toMatchObject({ status: "completed" });
  expect(await session.events("waiting_for_approval")).toEqual([]);
  expect(await session.outputs()).toMatchObject([{ quota: "sandbox", tool: "bash" }]);
});
