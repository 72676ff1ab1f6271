import { LLMock } from "@copilotkit/aimock";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../engine/messages.ts";
import type { ToolSpec } from "../../engine/ports.ts";
import { answerOf, callThrough, requestOf, routeKit, TEST_KEY, textIn, userMessage } from "../testing/kit.ts";

/** What each driver is tested with: the path of its API at the double, and a model of its family. */
const ANTHROPIC = { driver: "anthropic", path: "/v1", model: "claude-sonnet-4-6" };
const OPENAI = { driver: "openai", path: "/v1", model: "gpt-5.4" };
const GOOGLE = { driver: "google", path: "/v1beta", model: "gemini-2.5-pro" };
const XAI = { driver: "xai", path: "/v1", model: "grok-4" };
const OPENROUTER = { driver: "openrouter", path: "/api/v1", model: "anthropic/claude-sonnet-4.6" };
const COMPATIBLE = { driver: "openai_compatible", path: "/v1", model: "deepseek-reasoner" };

/** aimock's Responses stream is OpenAI's, and lacks fields of xAI's: `wire.test.ts` has xAI's answers. */
const ANSWERING = [ANTHROPIC, OPENAI, GOOGLE, OPENROUTER, COMPATIBLE];
/** aimock's OpenRouter streams carry no reasoning either. */
const REASONING = [ANTHROPIC, OPENAI, GOOGLE, COMPATIBLE];
const FAILING = [...ANSWERING, XAI];

const WEATHER: ToolSpec = {
  name: "get_weather",
  description: "Tells the weather.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const mock = new LLMock({ port: 0 });
beforeAll(async () => {
  await mock.start();
});
afterAll(() => mock.stop());
afterEach(() => {
  mock.reset();
  mock.clearRequests();
});

const kitOf = ({ driver, path, model }: { driver: string; path: string; model: string }) =>
  routeKit({ driver, model, baseUrl: `${mock.url}${path}` });

describe.each(ANSWERING)("$driver answers", (target) => {
  test("with streamed text and its usage", async () => {
    mock.onMessage("hello", { content: "Hi there, how are you?" }, { chunkSize: 5 });
    const kit = kitOf(target);
    const { outcome, deltas } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(textIn(outcome)).toBe("Hi there, how are you?");
    expect(answerOf(outcome)).toMatchObject({
      route_id: "main",
      model: target.model,
      finish_reason: "stop",
      usage: { output_tokens: expect.any(Number) },
    });
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.map((delta) => delta.text).join("")).toBe("Hi there, how are you?");
  });

  test("with parallel tool calls, and again after their results", async () => {
    mock.on(
      { userMessage: "weather", hasToolResult: false },
      {
        toolCalls: [
          { id: "call_paris", name: "get_weather", arguments: '{"city":"Paris"}' },
          { id: "call_rome", name: "get_weather", arguments: '{"city":"Rome"}' },
        ],
      },
    );
    mock.on({ userMessage: "weather", hasToolResult: true }, { content: "Sun in one of both." });
    const kit = kitOf(target);
    const first = await callThrough(kit, requestOf(kit.route, "weather", { tools: [WEATHER] }));
    const calls = answerOf(first.outcome).parts.filter((part) => part.type === "tool_call");
    expect(answerOf(first.outcome).finish_reason).toBe("tool_calls");
    expect(calls.map(({ name, input }) => ({ name, input }))).toEqual([
      { name: "get_weather", input: { city: "Paris" } },
      { name: "get_weather", input: { city: "Rome" } },
    ]);
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);

    const messages: Message[] = [
      userMessage("weather"),
      { ...answerOf(first.outcome), id: "a1" },
      {
        role: "tool",
        results: calls.map((call, index) => ({
          call_id: call.id,
          tool_name: call.name,
          output: index === 0 ? { sky: "clear" } : "no such city",
          is_error: index === 1,
        })),
      },
    ];
    const second = await callThrough(kit, requestOf(kit.route, messages, { tools: [WEATHER], turn: 1 }));
    expect(textIn(second.outcome)).toBe("Sun in one of both.");
  });

  test("02-R45: after as long as a rate limit asked to wait", async () => {
    mock.on(
      { userMessage: "hello", sequenceIndex: 0 },
      { error: { message: "Rate limited", type: "rate_limit_error" }, status: 429, retryAfter: 7 },
    );
    mock.on({ userMessage: "hello", sequenceIndex: 1 }, { content: "Hi" });
    const kit = kitOf(target);
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(textIn(outcome)).toBe("Hi");
    expect(waits).toEqual([7_000]);
  });

  test("when called again after a stream that was cut off in the middle", async () => {
    mock.on(
      { userMessage: "hello", sequenceIndex: 0 },
      { content: "This will be cut short before its end." },
      { chunkSize: 4, truncateAfterChunks: 4 },
    );
    mock.on({ userMessage: "hello", sequenceIndex: 1 }, { content: "Whole again." });
    const kit = kitOf(target);
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(textIn(outcome)).toBe("Whole again.");
    expect(waits).toEqual([750]);
  });
});

describe.each(REASONING)("$driver reasons", (target) => {
  test("apart from its text", async () => {
    mock.onMessage("think", { content: "42", reasoning: "Six times seven." });
    const kit = kitOf(target);
    const generation = { reasoning: { effort: "low" as const } };
    const { outcome, deltas } = await callThrough(kit, requestOf(kit.route, "think", { generation }));
    expect(answerOf(outcome).parts).toMatchObject([
      { type: "reasoning", text: "Six times seven." },
      { type: "text", text: "42" },
    ]);
    const reasoning = deltas.filter((delta) => delta.part === "reasoning").map((delta) => delta.text);
    expect(reasoning.join("")).toBe("Six times seven.");
  });
});

describe.each(FAILING)("$driver fails", (target) => {
  test("02-R45: after four attempts at an overloaded server", async () => {
    mock.onMessage("hello", { error: { message: "Overloaded" }, status: 503 });
    const kit = kitOf(target);
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(outcome).toMatchObject({
      ok: false,
      error: { class: "server_overloaded", status: 503, retryable: true },
    });
    expect(mock.getRequests().length).toBe(4);
    expect(waits).toEqual([750, 1_500, 3_000]);
  });

  test("02-R45: at once when the key is refused, and does not leak it", async () => {
    mock.onMessage("hello", {
      error: { message: `Incorrect API key provided: ${TEST_KEY}`, type: "authentication_error" },
      status: 401,
    });
    const kit = kitOf(target);
    const { outcome } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(outcome).toMatchObject({ ok: false, error: { class: "auth", status: 401, retryable: false } });
    expect(JSON.stringify(outcome)).not.toContain(TEST_KEY);
    expect(mock.getRequests().length).toBe(1);
  });

  test("01-R85: at once when the prompt is too long, known by its wording", async () => {
    mock.onMessage("hello", {
      error: { message: "prompt is too long: 210000 tokens > 200000 maximum", type: "invalid_request_error" },
      status: 400,
    });
    const kit = kitOf(target);
    const { outcome } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(outcome).toMatchObject({
      ok: false,
      error: { class: "context_window_exceeded", retryable: false },
    });
    expect(mock.getRequests().length).toBe(1);
  });
});
