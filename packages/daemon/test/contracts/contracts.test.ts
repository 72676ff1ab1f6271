import type { Json, SubmitInputRequest } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();
const SCHEMA = {
  type: "object",
  properties: { verdict: { type: "string" }, score: { type: "number" } },
  required: ["verdict"],
  additionalProperties: false,
};
const GOOD = '{"verdict":"fine"}';
const BAD = '{"verdict":1}';
const MISMATCH = "$.verdict: expected string, found number";

type Outcomes = Parameters<typeof ScriptedModel.of>[0];

/** A session under an output contract whose model says these things. */
async function under(outcomes: Outcomes, contract: object = {}, limits: { maxTurns?: number } = {}) {
  const touch = testTool("touch", {
    execute: async () => ({
      kind: "result",
      output: "touched",
      is_error: false,
      context_updates: [{ type: "file_modified", path: "out.txt" }],
    }),
  });
  const rig = await createRig([askTool(), touch, testTool("probe")]);
  const model = ScriptedModel.of(outcomes);
  const daemon = await rig.boot({ models: model, limits });
  const session = await TestSession.create(daemon);
  await session.call("putOutputContract", { schema: SCHEMA, ...contract });
  const submit = (more: Partial<SubmitInputRequest> = {}) => session.submit("go", more);
  return { rig, daemon, model, session, submit };
}

describe("an output contract", () => {
  test("01-R34: a conforming answer is delivered as canonical JSON, once in the journal for all its targets", async () => {
    const { session, submit } = await under([says('```json\n{"verdict": "fine", "score": null}\n```')]);
    const reply_targets = [
      { plugin: "mail", address: "a" },
      { plugin: "mail", address: "b" },
    ];
    const run = await session.settled((await submit({ reply_targets })).run_id);
    const metadata = { output_kind: "structured_output", structured_output: { verdict: "fine" } };
    expect(run).toMatchObject({ status: "completed", usage: { model_calls: 1 } });
    expect(run.outputs).toMatchObject([
      { content: GOOD, metadata, address: "a" },
      { content: GOOD, metadata, address: "b" },
    ]);
    expect(await session.events("answer_conformed")).toMatchObject([{ content: GOOD }]);
  });

  test("01-R34: the model knows the contract from its first turn on", async () => {
    const { model, session, submit } = await under([says(GOOD)]);
    await session.settled((await submit()).run_id);
    expect(model.requests[0]?.system).toContain(JSON.stringify(SCHEMA));
    expect(model.requests[0]?.tools.map(({ name }) => name)).toContain("probe");
  });

  test("01-R34: an answer that breaks it is repaired with tools withheld", async () => {
    const { model, session, submit } = await under([says("Fine, I think."), says(BAD), says(GOOD)]);
    const run = await session.settled((await submit()).run_id);
    expect(run).toMatchObject({ status: "completed", outputs: [{ content: GOOD }] });
    expect(model.requests.map(({ tools }) => tools.length > 0)).toEqual([true, false, false]);
    const nudges = (await session.events("message_appended")).filter(({ nudge }) => nudge === "contract");
    expect(JSON.stringify(nudges[0])).toContain("$: not exactly one JSON value");
    expect(JSON.stringify(nudges[1])).toContain(MISMATCH);
  });

  test.each([
    [undefined, 3],
    [0, 0],
    [1, 1],
    [9, 5],
  ])(
    "01-R34: with max_repair_attempts %s there are %s repairs, then the run fails with the last error",
    async (asked, repairs) => {
      const bad = Array.from({ length: 9 }, () => says(BAD));
      const { model, session, submit } = await under(
        bad,
        asked === undefined ? {} : { max_repair_attempts: asked },
      );
      const run = await session.settled((await submit()).run_id);
      expect(run).toMatchObject({
        status: "failed",
        error: `output contract unmet after ${repairs} repairs: ${MISMATCH}`,
      });
      expect(model.requests.length).toBe(1 + repairs);
      expect(run.outputs).toBeUndefined();
    },
  );

  test("01-R34: repairs are counted apart from max_turns", async () => {
    const { session, submit } = await under([says(BAD), says(BAD), says(GOOD)], {}, { maxTurns: 1 });
    expect(await session.settled((await submit()).run_id)).toMatchObject({ status: "completed" });
  });

  test("01-R34: a tool call in a repair turn is refused and is no answer", async () => {
    const calling = Array.from({ length: 4 }, (_, index) => calls([{ name: "probe", id: `p-${index}` }]));
    const { session, submit } = await under([says(BAD), ...calling], { max_repair_attempts: 2 });
    const run = await session.settled((await submit()).run_id);
    expect(run).toMatchObject({ status: "failed", usage: { model_calls: 3, tool_calls: 0 } });
    expect(run.error).toContain("a tool call is no answer");
    expect(await session.events("tool_call_started")).toEqual([]);
  });

  test("01-R34 01-R36: it is checked after the completion requirements", async () => {
    const { session, submit } = await under([
      says("done"),
      calls([{ name: "touch" }]),
      says("done"),
      says(GOOD),
    ]);
    const completion_requirements = [{ type: "workspace_file" as const, path: "out.txt" }];
    const run = await session.settled((await submit({ completion_requirements })).run_id);
    expect(run.status).toBe("completed");
    const nudges = (await session.events("message_appended")).flatMap(({ nudge }) => nudge ?? []);
    expect(nudges).toEqual(["requirement", "contract"]);
  });

  test("01-R34: a wait in between exempts nothing", async () => {
    const { session, submit } = await under([
      calls([{ name: "ask_user_question" }]),
      says("thanks"),
      says(GOOD),
    ]);
    const { run_id } = await submit();
    await session.reaches(run_id, "waiting_for_user_question");
    await session.answer(run_id, "yes");
    expect(await session.settled(run_id)).toMatchObject({
      status: "completed",
      kind: "user_question_resume",
      outputs: [{ content: GOOD }],
    });
  });

  test("01-R16: a run keeps the contract that it was created under", async () => {
    const { session, submit } = await under([
      calls([{ name: "ask_user_question" }]),
      says(GOOD),
      says("free"),
    ]);
    const { run_id } = await submit();
    await session.reaches(run_id, "waiting_for_user_question");
    await session.call("deleteOutputContract");
    const later = await submit();
    await session.answer(run_id, "yes");
    expect((await session.settled(run_id)).outputs?.[0]?.metadata).toBeDefined();
    const [free] = (await session.run(later.run_id)).outputs ?? [];
    expect(free).toMatchObject({ content: "free" });
    expect(free?.metadata).toBeUndefined();
  });

  test("01-R34: the count of repairs survives the daemon", async () => {
    const rig = await createRig([]);
    const stuck = new ScriptedModel(({ turn }) => (turn < 2 ? says(BAD) : new Promise(() => undefined)));
    const first = await rig.boot({ models: stuck });
    const session = await TestSession.create(first);
    await session.call("putOutputContract", { schema: SCHEMA, max_repair_attempts: 2 });
    const { run_id } = await session.submit("go");
    await until("the last repair to be asked for", () => stuck.requests.length === 3);
    await first.stop();

    const model = new ScriptedModel(() => says(BAD));
    const second = new TestSession(await rig.boot({ models: model }));
    expect(await second.settled(run_id)).toMatchObject({ status: "failed" });
    expect(model.requests.length).toBe(1);
  });
});

describe("an input contract", () => {
  const submitted = async (more: Partial<SubmitInputRequest>, model = ScriptedModel.of([says("ok")])) => {
    const rig = await createRig([]);
    const daemon = await rig.boot({ models: model });
    const session = await TestSession.create(daemon);
    await session.call("putInputContract", { schema: SCHEMA });
    const { run_id } = await session.submit("", more);
    await session.settled(run_id);
    return { session, model };
  };

  test("01-R33: the model is given the canonical form, and the journal shows the value", async () => {
    const content = '```json\n{ "verdict": "b", "score": 2 }\n```';
    const { session, model } = await submitted({ content });
    const parts = [{ type: "text", text: '{"score":2,"verdict":"b"}' }];
    expect(model.requests[0]?.messages.at(-1)).toMatchObject({ role: "user", parts });
    const log = (await session.call("sessionEvents")).json as { session: { journal: { event: Json }[] } };
    const received = log.session.journal
      .map(({ event }) => event)
      .find((one) => JSON.stringify(one).includes("input_received"));
    expect(received).toMatchObject({ structured_input: { score: 2, verdict: "b" } });
  });

  test("01-R33: texts are joined into one value, files keep their order", async () => {
    const file = (file_name: string) =>
      ({ type: "inline_asset", file_name, media_type: "text/plain", content_base64: "aGk=" }) as const;
    const { model } = await submitted({
      input_items: [
        file("a"),
        { type: "text", text: '{"verdict":' },
        file("b"),
        { type: "text", text: '"x"}' },
        file("c"),
      ],
    });
    const [message] = model.requests[0]?.messages ?? [];
    expect(message).toMatchObject({
      parts: [{ file_name: "a" }, { text: '{"verdict":"x"}' }, { file_name: "b" }, { file_name: "c" }],
    });
  });
});
