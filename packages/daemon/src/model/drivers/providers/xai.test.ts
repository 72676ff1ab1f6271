import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf, callThrough, continued, NOTE, requestOf, routeKit, TEST_KEY } from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "xai", model, baseUrl: `${wire.url}/v1`, more });

describe("xai", () => {
  const usage = { input_tokens: 20, output_tokens: 5, input_tokens_details: { cached_tokens: 12 } };
  const response = { object: "response", id: "resp_1", model: "grok-4", output: [] };
  const created = { type: "response.created", response };
  const completed = { type: "response.completed", response: { ...response, status: "completed", usage } };
  const reasoning = {
    type: "reasoning",
    id: "rs_1",
    status: "completed",
    summary: [],
    encrypted_content: "sealed",
  };
  const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const text = (delta: string) => ({ type: "response.output_text.delta", ...at, delta });
  const item = (kind: "added" | "done", output_index: number, value: Json) => ({
    type: `response.output_item.${kind}`,
    output_index,
    item: value,
  });
  const call = (n: number) => ({
    type: "function_call",
    id: `fc_${n}`,
    call_id: `call_${n}`,
    name: "note",
    arguments: `{"text":"${n}"}`,
  });
  const textReply = { events: [created, text("Hi "), text("there"), completed] };

  test("streams text, usage and the response's id", async () => {
    wire.plan(textReply);
    const kit = kitOf("grok-4");
    const { outcome, deltas } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(answerOf(outcome)).toMatchObject({
      parts: [{ type: "text", text: "Hi there" }],
      finish_reason: "stop",
      usage: { input_tokens: 20, output_tokens: 5, cached_input_tokens: 12 },
      provider_response_id: "resp_1",
    });
    expect(deltas).toEqual([
      { part: "text", text: "Hi " },
      { part: "text", text: "there" },
    ]);
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${TEST_KEY}`);
  });

  test("returns parallel calls and sends its sealed reasoning back with their results", async () => {
    const summary = { item_id: "rs_1", output_index: 0, summary_index: 0 };
    wire.plan(
      {
        events: [
          created,
          item("added", 0, { ...reasoning, status: "in_progress", encrypted_content: null }),
          {
            type: "response.reasoning_summary_part.added",
            ...summary,
            part: { type: "summary_text", text: "" },
          },
          { type: "response.reasoning_summary_text.delta", ...summary, delta: "Two notes." },
          item("done", 0, reasoning),
          item("added", 1, call(1)),
          item("done", 1, call(1)),
          item("added", 2, call(2)),
          item("done", 2, call(2)),
          completed,
        ],
      },
      textReply,
    );
    const kit = kitOf("grok-4");
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(first.outcome)).toMatchObject({
      parts: [
        { type: "reasoning", text: "Two notes." },
        { type: "tool_call", id: "call_1", name: "note", input: { text: "1" } },
        { type: "tool_call", id: "call_2", name: "note", input: { text: "2" } },
      ],
      finish_reason: "tool_calls",
    });
    await callThrough(kit, requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }));
    expect(wire.requests[1]?.body).toMatchObject({ store: false });
    expect(JSON.stringify(wire.requests[1]?.body)).toContain('"encrypted_content":"sealed"');
  });

  test("calls again after a rate limit and after a cut stream", async () => {
    wire.plan(
      { status: 429, headers: { "retry-after": "3" }, body: { code: "rate_limited", error: "Slow down" } },
      { events: [created, text("Hi ")], after: "break" },
      { events: [created, text("Hi ")] },
      textReply,
    );
    const kit = kitOf("grok-4");
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "hello"));
    expect(answerOf(outcome).parts).toMatchObject([{ text: "Hi there" }]);
    expect(waits).toEqual([3_000, 1_500, 3_000]);
  });
});
