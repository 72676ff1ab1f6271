import { describe, expect, test } from "vitest";
import type { ModelOutcome, ModelRequest } from "../../src/engine/index.ts";
import { useRigs } from "../support/fixture.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
/** A prompt of more than 7,000 tokens is compacted (01-R79). */
const NARROW = { context_tokens: 20_000 };
/** About 1,000 padded tokens. */
const OUTPUT = "x".repeat(2_600);

/** A run of so many turns of one call each, and a model that summarises as it is told. */
async function talked(
  turns: number,
  compaction: (request: ModelRequest) => ModelOutcome,
  limits: object = NARROW,
) {
  const model = new ScriptedModel((request) => {
    if (request.kind === "compaction") return compaction(request);
    return request.turn < turns ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
  }, limits);
  const rig = await createRig([testTool("look", { execute: async () => succeeded(OUTPUT) })]);
  const daemon = await rig.boot({ models: model });
  const session = await TestSession.create(daemon);
  const { run_id: runId } = await session.submit("what it is all about");
  const run = await session.settled(runId);
  return { rig, daemon, session, model, run };
}

const summaries = (model: ScriptedModel) => model.requests.filter((request) => request.kind === "compaction");

describe("01-R81: a compaction by the model", () => {
  test("replaces what is old by its summary, and the run goes on", async () => {
    const { session, model, run } = await talked(9, () =>
      says("<scratch>hm</scratch><summary>We looked.</summary>"),
    );
    expect(run).toMatchObject({ status: "completed" });
    expect(summaries(model)).toHaveLength(1);
    const [checkpoint] = await session.events("checkpoint");
    expect(checkpoint?.checkpoint).toMatchObject({
      strategy: "model_driven",
      trigger: "auto",
      summary: { content: "We looked." },
    });
    expect(checkpoint?.checkpoint.post_tokens).toBeLessThan(checkpoint?.checkpoint.pre_tokens ?? 0);
    const after = model.requests[model.requests.findIndex((request) => request.kind === "compaction") + 1];
    expect(JSON.stringify(after?.messages[0])).toContain("We looked.");
    expect(JSON.stringify(after?.messages)).not.toContain("hm");
    expect(JSON.stringify(after?.messages), "what the work is about stays").toContain("what it is all about");
    expect((await session.call("getSession")).json).toMatchObject({ snapshot: { checkpoint_len: 1 } });
  });

  test("is asked for without tools, over whole groups, and is no turn of the run", async () => {
    const { model, run } = await talked(9, () => says("<summary>We looked.</summary>"));
    const [request] = summaries(model);
    expect(request).toMatchObject({ tools: [], generation: {} });
    const turns = model.requests.filter((one) => one.kind === "turn").map((one) => one.turn);
    expect(turns).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(run.usage).toMatchObject({ model_calls: 10 });
    const [last, beforeIt] = [request?.messages.at(-1), request?.messages.at(-2)];
    expect(last).toMatchObject({ role: "user", synthetic: true });
    expect(beforeIt?.role).toBe("tool");
  });

  test("that fails leaves the prompt as it is; after three in a row it is not tried any more", async () => {
    const { session, model, run } = await talked(14, () => fails("server_overloaded"));
    expect(run).toMatchObject({ status: "completed" });
    expect(summaries(model)).toHaveLength(3);
    expect(await session.events("checkpoint")).toEqual([]);
    expect(await session.events("model_call_failed")).toEqual([]);
  });

  test("that has no summary in it counts as failed", async () => {
    const { session, model } = await talked(14, () => says("<scratch>nothing</scratch>"));
    expect(summaries(model)).toHaveLength(3);
    expect(await session.events("checkpoint")).toEqual([]);
  });

  test("that succeeds makes good for failures before it: three in a row are what counts", async () => {
    let asked = 0;
    const { session, model } = await talked(40, () => {
      asked += 1;
      return asked % 3 === 0 ? says("<summary>We looked.</summary>") : fails("server_overloaded");
    });
    expect((await session.events("checkpoint")).length).toBeGreaterThan(2);
    expect(summaries(model).length).toBeGreaterThan(6);
  });

  test("goes by the window of the model in use: a smaller fallback is not overrun", async () => {
    const windows: Record<string, number> = { big: 1_000_000, small: 20_000 };
    class Windowed extends ScriptedModel {
      override limits(_route?: unknown, model = "big") {
        const context_tokens = windows[model];
        return context_tokens === undefined ? {} : { context_tokens };
      }
    }
    const model = new Windowed((request) => {
      if (request.kind === "compaction") return says("<summary>We looked.</summary>");
      if (request.turn === 10 && request.model === "big") return fails("rate_limited");
      return request.turn < 12 ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
    });
    const rig = await createRig([testTool("look", { execute: async () => succeeded(OUTPUT) })]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const { run_id: runId } = await session.submit("go", { generation: { fallback_model: "small" } });
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(summaries(model).map((request) => [request.turn, request.model])[0]).toEqual([10, "small"]);
  });

  test("01-R88: the next daemon goes on from it with the same prompt", async () => {
    const { rig, daemon, model } = await talked(9, () => says("<summary>We looked.</summary>"));
    const before = model.requests.at(-1);
    await daemon.stop();
    const echo = ScriptedModel.of([says("again")], NARROW);
    const again = new TestSession(await rig.boot({ models: echo }));
    const { run_id: runId } = await again.submit("more");
    await again.settled(runId);
    const shown = echo.requests[0]?.messages ?? [];
    const kept = (before?.messages ?? []).slice(2);
    expect(JSON.stringify(shown[0])).toContain("We looked.");
    expect(shown.slice(1, 1 + kept.length)).toEqual(kept);
  });
});

describe("01-R80: a compaction by what is known", () => {
  test("needs no model once there is a summary, and carries it on", async () => {
    const big = "x".repeat(10_000);
    const model = new ScriptedModel(
      (request) => {
        if (request.kind === "compaction") return says("<summary>We looked.</summary>");
        return request.turn < 40 ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
      },
      { context_tokens: 60_000 },
    );
    const rig = await createRig([testTool("look", { execute: async () => succeeded(big) })]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const { run_id: runId } = await session.submit("go");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    expect(summaries(model)).toHaveLength(1);
    const strategies = (await session.events("checkpoint")).map(({ checkpoint }) => checkpoint.strategy);
    expect(strategies[0]).toBe("model_driven");
    expect(strategies.slice(1).length).toBeGreaterThan(1);
    expect(strategies.slice(1).every((strategy) => strategy === "session_memory")).toBe(true);
    expect(JSON.stringify(model.requests.at(-1)?.messages[0])).toContain("We looked.");
  });
});

describe("01-R78: a long run", () => {
  test("is snipped by whole groups, seldom, and never shows a call without its result", async () => {
    const huge = "x".repeat(30_000);
    const model = new ScriptedModel((request) => {
      if (request.kind === "compaction") return says("<summary>We looked.</summary>");
      return request.turn < 60 ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
    });
    const rig = await createRig([testTool("look", { execute: async () => succeeded(huge) })]);
    const session = await TestSession.create(await rig.boot({ models: model }));
    const { run_id: runId } = await session.submit("what it is all about");
    expect(await session.settled(runId)).toMatchObject({ status: "completed" });
    const snips = await session.events("compaction_boundary");
    expect(snips.length).toBeGreaterThan(3);
    expect(snips.length).toBeLessThan(60 / 2);
    for (const { messages } of model.requests) {
      for (const [index, message] of messages.entries()) {
        if (message.role === "tool") expect(messages[index - 1]?.role).toBe("assistant");
      }
      expect(JSON.stringify(messages)).toContain("what it is all about");
    }
  });

  test("01-R78b: after a pause of 15 minutes old outputs are blank, and stay so after a restart", async () => {
    const rig = await createRig([
      testTool("bash"),
      testTool("read_file", { execute: async () => succeeded("file text") }),
    ]);
    const reads = Array.from({ length: 8 }, (_, n) => ({ name: "read_file", id: `read-${n}` }));
    const model = ScriptedModel.of([calls(reads), calls([{ name: "bash" }])]);
    const daemon = await rig.boot({ models: model });
    const before = await TestSession.create(daemon);
    const { run_id: runId } = await before.submit("go");
    const waiting = await before.reaches(runId, "waiting_for_approval");
    await rig.clock.advance(15 * 60_000 + 1);
    await before.resolve(runId, { request_id: waiting.pending_approvals?.[0]?.id ?? "", behavior: "allow" });
    await before.settled(runId);
    const shown = (requests: readonly ModelRequest[]) =>
      JSON.stringify(requests.at(-1)?.messages).split("file text").length - 1;
    expect(shown(model.requests)).toBe(4);
    expect(await before.events("compaction_boundary")).toHaveLength(1);

    await daemon.stop();
    const echo = ScriptedModel.of([says("again")]);
    const session = new TestSession(await rig.boot({ models: echo }));
    const next = await session.submit("more");
    await session.settled(next.run_id);
    expect(shown(echo.requests)).toBe(4);
  });
});
