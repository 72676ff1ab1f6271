import type { Json } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Tool, ToolOutcome } from "../../src/engine/index.ts";
import type { Blobs } from "../../src/kernel/blobs.ts";
import { useRigs } from "../support/fixture.ts";
import { calls, ScriptedModel } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { pause, until } from "../support/wait.ts";

const createRig = useRigs();
const MIB = 1024 * 1024;

async function opened(...tools: Parameters<typeof testTool>[]) {
  const rig = await createRig(tools.map((parts) => testTool(...parts)));
  const daemon = await rig.boot();
  const session = await TestSession.create(daemon);
  return { rig, daemon, session };
}

/** Plays one turn of these calls and an answer. */
async function played(session: TestSession, ...wanted: { name: string; input?: Json }[]) {
  const tool_calls = wanted.map(({ name, input = {} }) => ({ name, input }));
  const run = await session.play([{ tool_calls }, { text: "done" }]);
  return session.settled(run.run_id);
}

async function auditsOf(session: TestSession) {
  return (await session.events("permission_audit")).map(({ audit }) => audit);
}

describe("a tool that", () => {
  test("03-R5 takes too long is told to stop, and the model that it timed out", async () => {
    const gate = new Gate();
    const { rig, session } = await opened(["slow", { timeoutMs: 5_000, execute: gate.execute }]);
    const run = await session.play([{ tool_calls: [{ name: "slow", input: {} }] }, { text: "done" }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    await rig.clock.advance(4_999);
    expect(gate.begun[0]?.context.signal.aborted).toBe(false);
    await rig.clock.advance(1);
    expect(gate.begun[0]?.context.signal.aborted).toBe(true);
    gate.open(succeeded("half of it"));
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool execution timed out", partial: "half of it" }]);
    expect(await session.events("tool_call_finished")).toMatchObject([
      { ledger: "failed", duration_ms: 5_000 },
    ]);
  });

  test("03-R5 takes too long and does not stop when told is left behind two seconds later", async () => {
    const gate = new Gate();
    const { rig, session } = await opened(["deaf", { timeoutMs: 5_000, execute: gate.execute }]);
    const run = await session.play([{ tool_calls: [{ name: "deaf", input: {} }] }, { text: "done" }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    await rig.clock.advance(7_000);
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool execution timed out", partial: null }]);
    gate.open(succeeded("too late"));
    await pause();
    expect(await session.outputs()).toHaveLength(1);
  });

  test("03-R5 asks for more time than anybody gets is bounded by the limit of all", async () => {
    const gate = new Gate();
    const { rig, session } = await opened(["patient", { timeoutMs: 3_600_000, execute: gate.execute }]);
    await session.play([{ tool_calls: [{ name: "patient", input: {} }] }, { text: "done" }]);
    await until("the tool to begin", () => gate.begun.length === 1);
    await rig.clock.advance(179_999);
    expect(gate.begun[0]?.context.signal.aborted).toBe(false);
    await rig.clock.advance(1);
    expect(gate.begun[0]?.context.signal.aborted).toBe(true);
  });

  test("03-R6 throws costs its call and not the run, and its words stay in the log", async () => {
    const lines: [object, string][] = [];
    const log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (...line: [object, string]) => void lines.push(line),
    };
    const rig = await createRig([
      testTool("broken", { execute: () => Promise.reject(new Error("at /secret/path")) }),
    ]);
    const session = await TestSession.create(await rig.boot({ log }));
    expect(await played(session, { name: "broken" })).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool 'broken' failed unexpectedly" }]);
    expect(lines).toMatchObject([[{ tool: "broken", err: "Error: at /secret/path" }, "tool threw"]]);
  });

  test("03-R6 throws before it promises anything is no different", async () => {
    const execute = () => {
      throw new Error("at once");
    };
    const { session } = await opened(["broken", { execute }]);
    expect(await played(session, { name: "broken" })).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool 'broken' failed unexpectedly" }]);
  });

  test("03-R7 may not run beside others runs alone; the others run together, and results keep their order", async () => {
    const gate = new Gate();
    const together = { allowsParallel: true, execute: gate.execute };
    const { session } = await opened(["many", together], ["alone", { execute: gate.execute }]);
    const wanted = ["many", "many", "alone", "many", "many"].map((name, n) => ({ name, input: { n } }));
    const run = await session.play([{ tool_calls: wanted }, { text: "done" }]);
    const batches: number[][] = [];
    for (const size of [2, 1, 2]) {
      await until(`a batch of ${size}`, () => gate.begun.length === batches.flat().length + size);
      await pause(20);
      batches.push(gate.begun.slice(batches.flat().length).map(({ input }) => (input as { n: number }).n));
      gate.open();
    }
    expect(batches).toEqual([[0, 1], [2], [3, 4]]);
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
  });

  test("03-R7 ends last stands where its call stands", async () => {
    const gates = [new Gate(), new Gate(), new Gate()];
    const model = ScriptedModel.of([calls(["a", "b", "c"].map((name) => ({ name })))]);
    const rig = await createRig(
      ["a", "b", "c"].map((name, index) =>
        testTool(name, { allowsParallel: true, execute: (gates[index] ?? new Gate()).execute }),
      ),
    );
    const session = await TestSession.create(await rig.boot({ models: model }));
    const run = await session.submit("go");
    await until("all to begin", () => gates.every((gate) => gate.begun.length === 1));
    for (const index of [2, 0, 1]) {
      gates[index]?.open(succeeded(index));
      await until("its result", async () => (await session.outputs()).includes(index));
    }
    await session.settled(run.run_id);
    expect(await session.outputs(), "as they ended").toEqual([2, 0, 1]);
    expect(model.requests.at(-1)?.messages.at(-1), "as they were called").toMatchObject({
      results: [{ output: 0 }, { output: 1 }, { output: 2 }],
    });
  });
});

describe("a call that could never run", () => {
  test("03-R2 of a tool that is not there: an error for the model, an audit, and the run goes on", async () => {
    const { session } = await opened();
    expect(await played(session, { name: "imagined" })).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([{ error: "tool not found" }]);
    expect(await auditsOf(session)).toEqual([
      {
        scope: "session",
        tool_name: "imagined",
        tool_call_id: expect.any(String),
        decision: "deny",
        base_decision: "deny",
        effective_mode: "default",
        matched_rule_origin: "static",
        reason: "tool not found",
      },
    ]);
  });

  test("03-R1 with an input that does not fit: an error for the model, and an audit as of every call", async () => {
    const picky: Tool["parse"] = (input) =>
      JSON.stringify(input) === "{}" ? { ok: false, error: "Invalid input at $.good" } : { ok: true, input };
    const { session } = await opened(["tool", { parse: picky }]);
    await played(session, { name: "tool", input: {} }, { name: "tool", input: { good: 1 } });
    expect(await auditsOf(session)).toMatchObject([
      { tool_name: "tool", decision: "deny", effective_mode: "default", reason: "Invalid input at $.good" },
      { tool_name: "tool", decision: "allow", effective_mode: "default" },
    ]);
  });

  test("03-R2 of a tool that the session hides: as unavailable, and the model was not shown it", async () => {
    const model = ScriptedModel.of([calls([{ name: "hidden" }])]);
    const rig = await createRig([
      testTool("hidden"),
      testTool("shown"),
      testTool("load", { unlisted: true }),
    ]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    await session.call("putToolOverrides", { tool_overrides: { disable: ["hidden"] } });
    const run = await session.submit("go");
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(model.requests[0]?.tools.map((tool) => tool.name)).toEqual(["shown"]);
    expect(await session.outputs()).toEqual([{ error: "tool 'hidden' is unavailable for this agent" }]);
    expect(await session.events("permission_audit")).toMatchObject([{ audit: { decision: "deny" } }]);
    expect(await session.events("tool_call_started")).toEqual([]);
  });

  test("03-R1 with an input the tool would not take: nobody is asked to approve it", async () => {
    const parse = () => ({ ok: false as const, error: "Invalid input at $.command: required" });
    const { session } = await opened(["bash", { parse }]);
    expect(await played(session, { name: "bash" })).toMatchObject({ status: "completed" });
    expect(await session.events("waiting_for_approval")).toEqual([]);
    expect(await session.outputs()).toEqual([{ error: "Invalid input at $.command: required" }]);
  });

  test("03-R1 leaves the others of its batch alone", async () => {
    const { session } = await opened(["good"]);
    await played(session, { name: "imagined" }, { name: "good", input: { n: 1 } });
    const ledger = (await session.events("tool_call_finished")).map((finished) => finished.ledger);
    expect(ledger).toEqual(["denied", "settled"]);
    expect(await session.outputs()).toEqual([{ error: "tool not found" }, { echo: { n: 1 } }]);
  });
});

describe("03-R3: limits", () => {
  const big = (bytes: number) => succeeded("x".repeat(bytes));

  test("max_calls_per_turn refuses the calls beyond it, and runs the others", async () => {
    const { session } = await opened(["quick", { allowsParallel: true }]);
    const run = await played(
      session,
      ...Array.from({ length: 258 }, (_, n) => ({ name: "quick", input: { n } })),
    );
    expect(run).toMatchObject({ status: "completed", usage: { tool_calls: 256 } });
    const refused = (await session.events("tool_call_finished")).filter(
      (finished) => finished.ledger === "denied",
    );
    expect(refused.map((finished) => [finished.call_id, finished.result.output])).toEqual(
      [256, 257].map((n) => [
        `sim-0-${n}`,
        {
          error: "more than 256 calls in one turn",
          quota: "max_calls_per_turn",
          limit_calls: 256,
          tool: "quick",
        },
      ]),
    );
  });

  test("input_bytes refuses before anybody is asked", async () => {
    const model = ScriptedModel.of([calls([{ name: "bash", input: { command: "x".repeat(16 * MIB) } }])]);
    const rig = await createRig([testTool("bash")]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const run = await session.submit("go");
    expect(await session.settled(run.run_id)).toMatchObject({ status: "completed" });
    expect(await session.outputs()).toEqual([
      {
        error: "the input is too large",
        quota: "input_bytes",
        limit_bytes: 16 * MIB,
        actual_bytes: 16 * MIB + 14,
        tool: "bash",
      },
    ]);
  });

  test("output_bytes replaces the output, with nothing of what came with it", async () => {
    const execute = async (): Promise<ToolOutcome> => ({
      ...big(16 * MIB + 1),
      context_updates: [{ type: "file_modified", path: "a" }],
    });
    const { session } = await opened(["loud", { execute }]);
    await played(session, { name: "loud" });
    expect(await session.events("tool_call_finished")).toEqual([
      expect.objectContaining({
        ledger: "failed",
        result: expect.objectContaining({
          is_error: true,
          output: {
            error: "the output exceeds output_bytes",
            quota: "output_bytes",
            limit_bytes: 16 * MIB,
            actual_bytes: 16 * MIB + 1,
            tool: "loud",
          },
        }),
      }),
    ]);
    expect(await session.events("tool_call_finished")).not.toHaveProperty("0.context_updates");
  });

  test("cumulative_output_bytes bounds what the calls of one turn answer together", async () => {
    const execute = async () => big(15 * MIB);
    const { session } = await opened(["loud", { allowsParallel: true, execute }]);
    await played(session, ...Array.from({ length: 5 }, (_, n) => ({ name: "loud", input: { n } })));
    const outputs = await session.outputs();
    expect(outputs.filter((output) => JSON.stringify(output).includes("cumulative_output_bytes"))).toEqual([
      {
        error: "the output exceeds cumulative_output_bytes",
        quota: "cumulative_output_bytes",
        limit_bytes: 64 * MIB,
        actual_bytes: 75 * MIB,
        tool: "loud",
      },
    ]);
  });

  test("cumulative_output_bytes counts the calls that run alone, too", async () => {
    const execute = async () => big(15 * MIB);
    const { session } = await opened(["loud", { execute }]);
    await played(session, ...Array.from({ length: 5 }, (_, n) => ({ name: "loud", input: { n } })));
    const last = (await session.outputs()).at(-1);
    expect(last).toMatchObject({ quota: "cumulative_output_bytes", actual_bytes: 75 * MIB });
  });
});

describe("a large output", () => {
  test("01-R83 goes to the blob store whole; the journal keeps what the prompt shows", async () => {
    const text = `begin ${"y".repeat(300_000)} end`;
    let stored: Blobs | undefined;
    const execute: Tool["execute"] = async (_input, { blobs }) => {
      stored = blobs;
      return succeeded(text);
    };
    const { session } = await opened(["loud", { execute }]);
    await played(session, { name: "loud" });
    const [finished] = await session.events("tool_call_finished");
    expect(finished).toMatchObject({
      output_blob: { size_bytes: text.length },
      result: { output: { _kheish_prompt_visible_tool_output: { bytes: text.length, truncated: true } } },
    });
    expect(JSON.stringify(finished).length).toBeLessThan(34_000);
    const content = await stored?.read(finished?.output_blob?.sha256 ?? "");
    expect(Buffer.concat(await Array.fromAsync(content ?? [])).toString()).toBe(text);
  });
});
