import type { Json } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import type { Message } from "../../engine/messages.ts";
import { SimulatedClock } from "../../kernel/clock.ts";
import { ask, play, simulatorRequest } from "../testing/conversation.ts";
import { answerOf, textIn, userMessage } from "../testing/kit.ts";
import { SimulatorDriver } from "./index.ts";

const driverOf = (clock = new SimulatedClock()) => new SimulatorDriver(clock);
const script = (...simulate: Json[]) => JSON.stringify({ simulate });

function assistant(id: string): Message {
  const parts = [{ type: "text" as const, text: "…" }];
  return { role: "assistant", id, parts, route_id: "simulator", model: "script", finish_reason: "stop" };
}
function result(call_id: string, output: Json, is_error = false): Message {
  return { role: "tool", results: [{ call_id, tool_name: "bash", output, is_error }] };
}

describe("turns", () => {
  const three = userMessage(script({ text: "one" }, { text: "two" }, { text: "three" }));
  const nudge: Message = {
    role: "user",
    id: "n",
    parts: [{ type: "text", text: "Go on." }],
    synthetic: true,
  };

  test.each<{ says: string; messages: Message[] }>([
    { says: "one", messages: [three] },
    { says: "two", messages: [three, assistant("a")] },
    { says: "two", messages: [three, assistant("a"), nudge] },
    { says: "one", messages: [userMessage("before", "u0"), assistant("x"), assistant("y"), three] },
    { says: "three", messages: [three, assistant("a"), result("c", {}), assistant("b"), result("d", {})] },
    { says: "done", messages: [three, assistant("a"), assistant("b"), assistant("c")] },
    { says: "done", messages: [nudge, assistant("a")] },
  ])("09-S1: the turn follows from the conversation alone ($says)", async ({ says, messages }) => {
    expect(textIn((await ask(driverOf(), simulatorRequest(messages))).outcome)).toBe(says);
  });

  test("09-S3: a turn without calls ends the run, and past the last turn the answer is done", async () => {
    const input = userMessage(script({ text: "a", tool_calls: [{ name: "bash", input: {} }] }));
    const answers = await play(driverOf(), input, () => ({}));
    expect(answers.map((answer) => answer.finish_reason)).toEqual(["tool_calls", "stop"]);
    expect(answers.at(-1)?.parts).toEqual([{ type: "text", text: "done" }]);
  });

  test("09-S7: turns and calls count from 0, and an empty list answers done", async () => {
    const call = { name: "bash", input: {} };
    const input = userMessage(
      script(
        { tool_calls: [call, { ...call, id: "mine" }, call] },
        { text: "turn {{turn}}", tool_calls: [call] },
      ),
    );
    const answers = await play(driverOf(), input, () => ({}));
    const ids = answers.map(({ parts }) =>
      parts.flatMap((part) => (part.type === "tool_call" ? [part.id] : [])),
    );
    expect(ids).toEqual([["sim-0-0", "mine", "sim-0-2"], ["sim-1-0"], []]);
    expect(answers[1]?.parts[0]).toEqual({ type: "text", text: "turn 1" });
    expect(textIn((await ask(driverOf(), simulatorRequest(script()))).outcome)).toBe("done");
  });
});

describe("scripts", () => {
  test.each([
    { path: "/simulate", text: '{"simulate": 7}' },
    { path: "/simulate", text: '{"simulate": "tower"}' },
    { path: "/extra", text: '{"simulate": [], "extra": 1}' },
    { path: "/simulate/0/texts", text: script({ texts: "x" }) },
    { path: "/simulate/1/text", text: script({}, { text: 1 }) },
    {
      path: "/simulate/0/tool_calls/1/name",
      text: script({ tool_calls: [{ name: "a", input: {} }, { input: {} }] }),
    },
    { path: "/simulate/0/tool_calls/0/input", text: script({ tool_calls: [{ name: "a" }] }) },
    { path: "/simulate/0/error/status", text: script({ error: { status: 200, message: "x" } }) },
    { path: "/simulate/0/usage/output_tokens", text: script({ usage: { input_tokens: 1 } }) },
    { path: "/simulate/0/delay_ms", text: script({ delay_ms: -1 }) },
    { path: "/simulate/0/a~1b~0c", text: script({ "a/b~c": 1 }) },
    {
      path: "/simulate/1/tool_calls/0/id",
      text: script(
        { tool_calls: [{ name: "a", input: {} }] },
        { tool_calls: [{ name: "a", input: {}, id: "sim-0-0" }] },
      ),
    },
    { path: "/steps", text: '{"simulate": "load"}' },
    { path: "/tool", text: '{"simulate": "load", "steps": 1, "tool": "rm"}' },
    { path: "/delay_ms", text: '{"simulate": "tour", "delay_ms": "soon"}' },
  ])("09-S5: one that does not validate is refused with its path ($path)", async ({ path, text }) => {
    const { outcome } = await ask(driverOf(), simulatorRequest(text));
    expect(outcome).toMatchObject({
      ok: false,
      error: {
        class: "invalid_request",
        retryable: false,
        message: expect.stringContaining(` at ${path}: `),
      },
    });
  });

  test.each(["Hello.", "{not json", '["simulate"]', '{"other": 1}', '"simulate"'])(
    "any other text is answered with itself (%s)",
    async (text) => {
      expect(textIn((await ask(driverOf(), simulatorRequest(text))).outcome)).toBe(text);
    },
  );

  test("the model echo plays no script", async () => {
    const text = script({ text: "played" });
    expect(textIn((await ask(driverOf(), simulatorRequest(text, { model: "echo" }))).outcome)).toBe(text);
  });

  test("attachments are described by media type and size", async () => {
    const file = {
      type: "file" as const,
      sha256: "00",
      media_type: "image/png",
      file_name: "a.png",
      size_bytes: 9,
    };
    const input: Message = { role: "user", id: "u", parts: [{ type: "text", text: "See:" }, file] };
    const { outcome } = await ask(driverOf(), simulatorRequest([input]));
    expect(textIn(outcome)).toBe("See:\n[a.png: image/png, 9 bytes]");
  });
});

describe("placeholders", () => {
  const say = async (text: string, ...results: Message[]) => {
    const messages = [userMessage(script({}, { text })), assistant("a"), ...results];
    return textIn((await ask(driverOf(), simulatorRequest(messages))).outcome);
  };

  test.each([
    { text: "{{last_tool_output}}", is: "second" },
    { text: "{{tool_output:c1}} and {{tool_output:c2}}", is: '{"n":1} and second' },
    { text: "{{run_id}} {{session_id}} {{turn}}", is: "run-1 session-1 1" },
    {
      text: "{{tool_output:c9}} {{nothing}} {{turn:1}} {{ turn }}",
      is: "{{tool_output:c9}} {{nothing}} {{turn:1}} {{ turn }}",
    },
  ])("09-S4: $text", async ({ text, is }) => {
    expect(await say(text, result("c1", { n: 1 }), result("c2", "second"))).toBe(is);
  });

  test("09-S4: without any output yet the placeholder stays as it is", async () => {
    expect(await say("{{last_tool_output}}")).toBe("{{last_tool_output}}");
  });

  test("09-S4: what a tool printed is not read as a placeholder", async () => {
    expect(await say("{{last_tool_output}}", result("c1", "{{run_id}} $& $1"))).toBe("{{run_id}} $& $1");
  });

  test("09-S4: string values of inputs are filled at any depth, keys are not", async () => {
    const input = { "{{turn}}": ["{{turn}}", { deep: "t={{turn}}" }, 3, null] };
    const text = script({ tool_calls: [{ name: "bash", input }] });
    const { outcome } = await ask(driverOf(), simulatorRequest(text));
    expect(answerOf(outcome).parts).toMatchObject([
      { input: { "{{turn}}": ["0", { deep: "t=0" }, 3, null] } },
    ]);
  });
});

describe("time and tokens", () => {
  test("a turn waits before its first token and between its chunks", async () => {
    const clock = new SimulatedClock();
    const text = script({
      reasoning: "hm",
      text: "héllo wörld",
      delay_ms: 100,
      chunks: 3,
      chunk_delay_ms: 10,
    });
    const pending = ask(driverOf(clock), simulatorRequest(text));
    let done = false;
    void pending.then(() => {
      done = true;
    });
    await clock.advance(119);
    expect(done).toBe(false);
    await clock.advance(1);
    const { outcome, deltas } = await pending;
    expect(deltas).toEqual([
      { part: "reasoning", text: "hm" },
      { part: "text", text: "héll" },
      { part: "text", text: "o wö" },
      { part: "text", text: "rld" },
    ]);
    expect(answerOf(outcome).parts).toEqual([
      { type: "reasoning", text: "hm" },
      { type: "text", text: "héllo wörld" },
    ]);
  });

  test("a character outside the basic plane is not split", async () => {
    const { deltas } = await ask(driverOf(), simulatorRequest(script({ text: "👍👍", chunks: 4 })));
    expect(deltas.map((delta) => delta.text)).toEqual(["👍", "👍"]);
  });

  test.each(["delay_ms", "chunk_delay_ms"])("cancellation ends the wait (%s)", async (delay) => {
    const controller = new AbortController();
    const text = script({ text: "abc", chunks: 3, [delay]: 60_000 });
    const pending = ask(driverOf(), simulatorRequest(text), controller.signal);
    controller.abort();
    expect((await pending).outcome).toMatchObject({ ok: false, error: { class: "cancelled" } });
  });

  test("usage is characters/4, or what the script says", async () => {
    const counted = await ask(driverOf(), simulatorRequest("12345678", { system: "1234" }));
    expect(answerOf(counted.outcome).usage).toEqual({ input_tokens: 3, output_tokens: 2 });
    const usage = { input_tokens: 70, output_tokens: 5, cached_input_tokens: 60 };
    const told = await ask(driverOf(), simulatorRequest(script({ text: "x", usage })));
    expect(answerOf(told.outcome).usage).toEqual(usage);
  });
});

describe("errors", () => {
  const failing = (error: Json) => simulatorRequest(script({ text: "made it", error }));

  test("09-S2: a turn fails as often as it says, in this process", async () => {
    const request = failing({ status: 529, message: "Busy", times: 2 });
    const driver = driverOf();
    const attempts = [await ask(driver, request), await ask(driver, request), await ask(driver, request)];
    expect(attempts.map(({ outcome }) => outcome.ok)).toEqual([false, false, true]);
    expect((await ask(driverOf(), request)).outcome.ok).toBe(false);
  });

  test("09-S2: each run counts for itself, and 0 means always", async () => {
    const driver = driverOf();
    const once = failing({ status: 500, message: "x" });
    expect((await ask(driver, once)).outcome.ok).toBe(false);
    expect((await ask(driver, { ...once, run_id: "run-2" })).outcome.ok).toBe(false);
    expect((await ask(driver, once)).outcome.ok).toBe(true);
    const always = failing({ status: 500, message: "x", times: 0 });
    for (let n = 0; n < 5; n++) expect((await ask(driver, always)).outcome.ok).toBe(false);
  });

  test.each([
    { status: 401, class: "auth", retryable: false },
    { status: 400, class: "invalid_request", retryable: false },
    { status: 408, class: "transport", retryable: true },
    { status: 413, class: "context_window_exceeded", retryable: false },
    { status: 429, class: "rate_limited", retryable: true },
    { status: 503, class: "server_overloaded", retryable: true },
  ])("02-R45: status $status is $class", async ({ status, class: errorClass, retryable }) => {
    const { outcome } = await ask(driverOf(), failing({ status, message: "As told." }));
    expect(outcome).toEqual({
      ok: false,
      error: { class: errorClass, message: "As told.", status, retryable },
    });
  });

  test("a script may overrule whether its error is retried", async () => {
    const { outcome } = await ask(driverOf(), failing({ status: 429, message: "x", retryable: false }));
    expect(outcome).toMatchObject({ error: { class: "rate_limited", retryable: false } });
  });
});

describe("load", () => {
  test("plays its steps, one call each", async () => {
    const input = userMessage('{"simulate":"load","steps":3,"tool":"bash","bytes":300}');
    const commands: Json[] = [];
    const answers = await play(driverOf(), input, (call) => {
      commands.push(call.input);
      return {};
    });
    expect(answers.length).toBe(4);
    expect(commands).toEqual(Array(3).fill({ command: "printf '%0300d' 0" }));
    expect(answers.at(-1)?.parts).toEqual([{ type: "text", text: "done" }]);
  });

  test("defaults to a command without output, and has a tool that does nothing", async () => {
    const callOf = async (text: string) =>
      answerOf((await ask(driverOf(), simulatorRequest(text))).outcome).parts;
    expect(await callOf('{"simulate":"load","steps":1}')).toMatchObject([
      { name: "bash", input: { command: "true" } },
    ]);
    expect(await callOf('{"simulate":"load","steps":1,"tool":"noop","bytes":8}')).toMatchObject([
      { name: "noop", input: { bytes: 8 } },
    ]);
  });
});

describe("compaction", () => {
  test("01-R81: answers in the sections that are asked for, and the same every time", async () => {
    const messages = [userMessage("Do a\nthing."), assistant("a"), result("c", {})];
    const request = simulatorRequest(messages, { kind: "compaction" });
    const first = textIn((await ask(driverOf(), request)).outcome);
    expect(first).toMatch(/^<scratch>.*<\/scratch>\n<summary>\n[\s\S]*- Do a thing\.\n<\/summary>$/);
    expect(first).toContain("Tools used: bash.");
    expect(textIn((await ask(driverOf(), request)).outcome)).toBe(first);
  });
});
