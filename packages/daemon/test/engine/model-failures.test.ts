import { describe, expect, test } from "vitest";
import type { ModelOutcome, ModelRequest } from "../../src/engine/index.ts";
import { useRigs } from "../support/fixture.ts";
import { calls, fails, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";

const createRig = useRigs();
const FALLBACK = { generation: { fallback_model: "small" } };

async function opened(model?: ScriptedModel) {
  const rig = await createRig([testTool("look", { allowsParallel: true })]);
  const daemon = await rig.boot(model === undefined ? {} : { models: model });
  return { rig, daemon, session: await TestSession.create(daemon) };
}

async function ranOn(model: ScriptedModel, more: Parameters<TestSession["submit"]>[1] = {}) {
  const { session } = await opened(model);
  const { run_id: runId } = await session.submit("go", more);
  return { session, run: await session.settled(runId) };
}

function modelsOf(model: ScriptedModel): string[] {
  return model.requests.map((request) => `${request.kind} ${request.model}`);
}

describe("a model call that fails", () => {
  test("02-R45 after its retries fails the run with its class, once in the journal", async () => {
    const { session } = await opened();
    const error = { status: 503, message: "overloaded", times: 0 };
    const run = await session.play([{ error }]);
    expect(await session.settled(run.run_id)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^model call failed \(server_overloaded\): .*overloaded/),
    });
    expect(await session.events("model_call_failed")).toMatchObject([{ turn: 0, next: "fail" }]);
  });

  test("02-R45 and comes right within its retries leaves no trace", async () => {
    const { session } = await opened();
    const run = await session.play([
      { error: { status: 503, message: "overloaded", times: 3 }, text: "at last" },
    ]);
    expect(await session.settled(run.run_id)).toMatchObject({
      status: "completed",
      outputs: [{ content: "at last" }],
    });
    expect(await session.events("model_call_failed")).toEqual([]);
  });

  test.each(["rate_limited", "server_overloaded", "transport"] as const)(
    "01-R85 %s: the fallback model takes over, for the rest of the run",
    async (kind) => {
      const model = ScriptedModel.of([fails(kind), calls([{ name: "look" }]), says("done")]);
      const { session, run } = await ranOn(model, FALLBACK);
      expect(run).toMatchObject({ status: "completed" });
      expect(modelsOf(model)).toEqual(["turn big", "turn small", "turn small"]);
      expect(await session.events("model_call_failed")).toMatchObject([{ model: "big", next: "fallback" }]);
    },
  );

  test("01-R85 there is one fallback, and no way back", async () => {
    const model = ScriptedModel.of([fails("rate_limited"), fails("rate_limited")]);
    const { session, run } = await ranOn(model, FALLBACK);
    expect(run).toMatchObject({
      status: "failed",
      error: "model call failed (rate_limited): it was rate_limited",
    });
    expect(modelsOf(model)).toEqual(["turn big", "turn small"]);
    expect((await session.events("model_call_failed")).map((failed) => failed.next)).toEqual([
      "fallback",
      "fail",
    ]);
  });

  test("01-R85 the next run begins with its own model again", async () => {
    const model = ScriptedModel.of([fails("rate_limited"), says("one"), says("two")]);
    const { session } = await ranOn(model, FALLBACK);
    const next = await session.submit("again", FALLBACK);
    await session.settled(next.run_id);
    expect(modelsOf(model)).toEqual(["turn big", "turn small", "turn big"]);
  });

  test.each(["auth", "invalid_request", "unknown"] as const)(
    "01-R85 %s: no other model is tried",
    async (kind) => {
      const model = ScriptedModel.of([fails(kind)]);
      const { run } = await ranOn(model, FALLBACK);
      expect(run).toMatchObject({ status: "failed", error: `model call failed (${kind}): it was ${kind}` });
      expect(modelsOf(model)).toEqual(["turn big"]);
    },
  );
});

describe("01-R85: a prompt that the provider finds too long", () => {
  /** A conversation of 12 turns; from then on the model refuses `refusals` times. */
  function refusing(
    refusals: number,
    compaction: () => ModelOutcome = () => says("<summary>short</summary>"),
  ) {
    let refused = 0;
    return new ScriptedModel((request) => {
      if (request.kind === "compaction") return compaction();
      if (request.turn < 12) return calls([{ name: "look", id: `look-${request.turn}` }]);
      return refused++ < refusals ? fails("context_window_exceeded") : says("done");
    });
  }

  const nexts = async (session: TestSession) =>
    (await session.events("model_call_failed")).map((failed) => failed.next);
  const tail = (model: ScriptedModel) => modelsOf(model).slice(12);
  const sizes = (model: ScriptedModel) => model.requests.slice(12).map((request) => request.messages.length);

  test("is cut once, and called again", async () => {
    const model = refusing(1);
    const { session, run } = await ranOn(model);
    expect(run).toMatchObject({ status: "completed" });
    expect(await nexts(session)).toEqual(["snip"]);
    const [before = 0, after = 0] = sizes(model);
    expect(after).toBeLessThan(before);
    expect(unpaired(model)).toEqual([]);
  });

  test("is then compacted once, and called again", async () => {
    const model = refusing(2);
    const { session, run } = await ranOn(model);
    expect(run).toMatchObject({ status: "completed" });
    expect(await nexts(session)).toEqual(["snip", "compact"]);
    expect(tail(model)).toEqual(["turn big", "turn big", "compaction big", "turn big"]);
    expect(JSON.stringify(model.requests.at(-1)?.messages[0])).toContain("short");
    expect(unpaired(model)).toEqual([]);
  });

  test("then goes to the fallback model, then the run fails", async () => {
    const model = refusing(4);
    const { session, run } = await ranOn(model, FALLBACK);
    expect(run).toMatchObject({
      status: "failed",
      error: expect.stringContaining("context_window_exceeded"),
    });
    expect(await nexts(session)).toEqual(["snip", "compact", "fallback", "fail"]);
    expect(tail(model)).toEqual(["turn big", "turn big", "compaction big", "turn big", "turn small"]);
  });

  test("without a fallback model the run fails after the compaction", async () => {
    const { session, run } = await ranOn(refusing(9));
    expect(run).toMatchObject({ status: "failed" });
    expect(await nexts(session)).toEqual(["snip", "compact", "fail"]);
  });

  test("a forced compaction that fails is followed by the next remedy", async () => {
    const model = refusing(2, () => fails("server_overloaded"));
    const { session, run } = await ranOn(model, FALLBACK);
    expect(run).toMatchObject({ status: "completed" });
    expect(await nexts(session)).toEqual(["snip", "compact", "fallback"]);
    expect(tail(model)).toEqual(["turn big", "turn big", "compaction big", "turn small"]);
  });

  test("a prompt of one message has nothing to cut: every remedy is tried and the run fails", async () => {
    const model = new ScriptedModel(() => fails("context_window_exceeded"));
    const { session, run } = await ranOn(model, FALLBACK);
    expect(run).toMatchObject({ status: "failed" });
    expect(await nexts(session)).toEqual(["snip", "compact", "fallback", "fail"]);
  });

  test("remedies begin anew with the next turn", async () => {
    let refused = 0;
    const model = new ScriptedModel((request) => {
      if (request.turn < 12) return calls([{ name: "look", id: `look-${request.turn}` }]);
      if (refused++ % 2 === 0) return fails("context_window_exceeded");
      return request.turn < 14 ? calls([{ name: "look", id: `look-${request.turn}` }]) : says("done");
    });
    const { session, run } = await ranOn(model);
    expect(run).toMatchObject({ status: "completed" });
    expect(await nexts(session)).toEqual(["snip", "snip", "snip"]);
  });
});

describe("01-R86: an answer that is cut at the output limit", () => {
  const cut = (text: string) => says(text, { finish: "length" });

  test("is continued by nudges that nobody takes for the caller's words, with the output cap raised", async () => {
    const model = ScriptedModel.of([cut("one"), cut("two"), says("three")], { max_output_tokens: 8_000 });
    const { session, run } = await ranOn(model, { generation: { max_output_tokens: 1_000 } });
    expect(run).toMatchObject({ status: "completed", outputs: [{ content: "three" }] });
    expect(model.requests.map((request) => request.generation.max_output_tokens)).toEqual([
      1_000, 8_000, 8_000,
    ]);
    const nudges = (await session.events("message_appended")).filter(
      (appended) => appended.nudge === "output",
    );
    expect(nudges).toMatchObject([{ message: { synthetic: true } }, { message: { synthetic: true } }]);
  });

  test("is given up after three nudges", async () => {
    const model = new ScriptedModel(() => cut("more"));
    const { run } = await ranOn(model);
    expect(run).toMatchObject({ status: "failed", error: "the answer was cut at the output limit 4 times" });
    expect(model.requests).toHaveLength(4);
  });
});

describe("01-R87 01-R36: bounds of a run", () => {
  test("more turns than its limit fail it", async () => {
    const rig = await createRig([testTool("look")]);
    const model = new ScriptedModel((request) => calls([{ name: "look", id: `look-${request.turn}` }]));
    const daemon = await rig.boot({ models: model, limits: { maxTurns: 4 } });
    const session = await TestSession.create(daemon);
    const { run_id: runId } = await session.submit("go");
    expect(await session.settled(runId)).toMatchObject({
      status: "failed",
      error: "the run reached its limit of 4 turns",
    });
    expect(model.requests).toHaveLength(4);
  });

  test.each(["out/report.md", "./out/report.md", "out//report.md"])(
    "a required file, asked for as %s, is met by the write of it",
    async (path) => {
      const write = testTool("write", {
        execute: async () => ({
          kind: "result",
          output: "written",
          is_error: false,
          context_updates: [{ type: "file_modified", path: "out/report.md" }],
        }),
      });
      const rig = await createRig([write]);
      const model = ScriptedModel.of([says("done"), calls([{ name: "write" }]), says("now really")]);
      const session = await TestSession.create(await rig.boot({ models: model }));
      const completion_requirements = [{ type: "workspace_file" as const, path }];
      const { run_id: runId } = await session.submit("go", { completion_requirements });
      expect(await session.settled(runId)).toMatchObject({
        status: "completed",
        outputs: [{ content: "now really" }],
      });
    },
  );

  test("a required file that is never written fails it by name, after two nudges", async () => {
    const model = new ScriptedModel(() => says("done"));
    const { run } = await ranOn(model, {
      completion_requirements: [{ type: "workspace_file", path: "a.md" }],
    });
    expect(run).toMatchObject({ status: "failed", error: expect.stringContaining("did not write a.md") });
    expect(model.requests).toHaveLength(3);
  });
});

describe("what a model may get wrong", () => {
  test("ids that come again are told apart, in its calls and in their results", async () => {
    const same = [
      { name: "look", id: "call" },
      { name: "look", id: "call" },
      { name: "look", id: "" },
    ];
    const model = ScriptedModel.of([calls(same), calls(same), says("done")]);
    const { session, run } = await ranOn(model);
    expect(run).toMatchObject({ status: "completed", usage: { tool_calls: 6 } });
    const ids = (await session.events("tool_call_finished")).map((finished) => finished.call_id);
    expect(new Set(ids).size).toBe(6);
    expect(unpaired(model)).toEqual([]);
  });

  test("half a character in an input is no reason for a run to end", async () => {
    const model = ScriptedModel.of([calls([{ name: "look", input: { text: "cut \ud83e" } }]), says("done")]);
    const { run } = await ranOn(model);
    expect(run).toMatchObject({ status: "completed", usage: { tool_calls: 1 } });
  });

  test("an answer without words ends the run without an output", async () => {
    const { run } = await ranOn(ScriptedModel.of([says("")]));
    expect(run.status).toBe("completed");
    expect(run.outputs).toBeUndefined();
  });
});

test("03-R5 what a tool reports as its failure is for the model, and no failure of the run", async () => {
  const failing = testTool("look", {
    execute: async () => ({ ...succeeded("no such file"), is_error: true }),
  });
  const rig = await createRig([failing]);
  const model = ScriptedModel.of([calls([{ name: "look" }]), says("I see")]);
  const session = await TestSession.create(await rig.boot({ models: model }));
  const { run_id: runId } = await session.submit("go");
  expect(await session.settled(runId)).toMatchObject({ status: "completed" });
  expect(await session.events("tool_call_finished")).toMatchObject([
    { ledger: "failed", result: { is_error: true } },
  ]);
});

/** Calls the last request shows without a result, and results without a call. */
function unpaired(model: ScriptedModel): string[] {
  const messages: ModelRequest["messages"] = model.requests.at(-1)?.messages ?? [];
  const asked = messages.flatMap((message) =>
    message.role === "assistant"
      ? message.parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : []))
      : [],
  );
  const answered = messages.flatMap((message) =>
    message.role === "tool" ? message.results.map((one) => one.call_id) : [],
  );
  return [...asked.filter((id) => !answered.includes(id)), ...answered.filter((id) => !asked.includes(id))];
}
