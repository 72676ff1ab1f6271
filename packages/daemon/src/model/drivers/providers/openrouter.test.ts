import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf, callThrough, continued, NOTE, requestOf, routeKit } from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "openrouter", model, baseUrl: `${wire.url}/api/v1`, more });

describe("openrouter", () => {
  const chunk = (delta: Json, finish_reason: string | null = null) => ({
    id: "gen-1",
    model: "anthropic/claude-sonnet-4.6",
    choices: [{ index: 0, delta, finish_reason }],
  });
  const detail = (text: string, more: { signature?: string } = {}) => ({
    reasoning_details: [{ type: "reasoning.text", text, format: "anthropic-claude-v1", index: 0, ...more }],
  });
  const toolCall = (text: string) => ({
    tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "note", arguments: text } }],
  });
  const more = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] });

  test("sends reasoning back with its signature", async () => {
    wire.plan(
      {
        events: [
          chunk(detail("I will ")),
          chunk(detail("note it.", { signature: "signed" })),
          chunk(toolCall('{"text":"x"}')),
          chunk({}, "tool_calls"),
        ],
      },
      { events: [chunk({ content: "Done" }), chunk({}, "stop")] },
    );
    const kit = kitOf("anthropic/claude-sonnet-4.6");
    const generation = { reasoning: { effort: "high" as const } };
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE], generation }));
    expect(answerOf(first.outcome).parts).toMatchObject([
      { type: "reasoning", text: "I will note it." },
      { type: "tool_call", input: { text: "x" } },
    ]);
    expect(wire.requests[0]?.body).toMatchObject({ reasoning: { effort: "high" }, usage: { include: true } });
    await callThrough(kit, requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }));
    expect(JSON.stringify(wire.requests[1]?.body)).toContain('"signature":"signed"');
  });

  test("keeps what the model wrote as a call's input when it is not JSON", async () => {
    wire.plan({ events: [chunk(toolCall('{"text": ')), chunk(more("oops")), chunk({}, "tool_calls")] });
    const kit = kitOf("some/model");
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(outcome).parts).toMatchObject([{ type: "tool_call", input: '{"text": oops' }]);
  });

  test("a stream that ends without its last word was cut, even with whole calls in it", async () => {
    wire.plan(
      { events: [chunk(toolCall('{"text":"x"}'))] },
      { events: [chunk({ content: "Ok" }), chunk({}, "stop")] },
    );
    const kit = kitOf("some/model");
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(outcome).parts).toMatchObject([{ type: "text", text: "Ok" }]);
  });

  test("02-R45: calls again with the output limit that fits", async () => {
    const message =
      "This endpoint's maximum context length is 128000 tokens. However, you requested about 135000 tokens (120000 of text input, 15000 in the output).";
    wire.plan(
      { status: 400, body: { error: { message, code: 400 } } },
      { events: [chunk({ content: "Ok" }), chunk({}, "stop")] },
    );
    const kit = kitOf("some/model");
    const generation = { max_output_tokens: 15_000 };
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "go", { generation }));
    expect(answerOf(outcome).parts).toMatchObject([{ text: "Ok" }]);
    expect(wire.requests.map(({ body }) => (body as { max_tokens: number }).max_tokens)).toEqual([
      15_000, 7_000,
    ]);
    expect(waits).toEqual([]);
  });
});
