import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf, callThrough, continued, NOTE, requestOf, routeKit, TEST_KEY } from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "google", model, baseUrl: `${wire.url}/v1beta`, more });

describe("google", () => {
  const chunk = (parts: Json[], more: Record<string, Json> = {}) => ({
    candidates: [{ content: { role: "model", parts }, ...more }],
    usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2, totalTokenCount: 9 },
  });

  test("sends thought signatures back", async () => {
    wire.plan(
      {
        events: [
          chunk([{ text: "Note it.", thought: true }]),
          chunk([{ functionCall: { name: "note", args: { text: "x" } }, thoughtSignature: "signed" }], {
            finishReason: "STOP",
          }),
        ],
      },
      { events: [chunk([{ text: "Done" }], { finishReason: "STOP" })] },
    );
    const kit = kitOf("gemini-2.5-pro");
    const generation = { reasoning: { budget_tokens: 2_048 } };
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE], generation }));
    expect(answerOf(first.outcome)).toMatchObject({
      parts: [
        { type: "reasoning", text: "Note it." },
        { type: "tool_call", name: "note", input: { text: "x" } },
      ],
      finish_reason: "tool_calls",
    });
    expect(wire.requests[0]?.headers["x-goog-api-key"]).toBe(TEST_KEY);
    expect(wire.requests[0]?.body).toMatchObject({
      generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 2_048 } },
    });
    await callThrough(kit, requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }));
    expect(JSON.stringify(wire.requests[1]?.body)).toContain('"thoughtSignature":"signed"');
  });

  test("02-R45: waits as long as RetryInfo says", async () => {
    const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "11.5s" };
    const error = { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED", details: [retryInfo] };
    wire.plan(
      { status: 429, body: { error } },
      { events: [chunk([{ text: "Ok" }], { finishReason: "STOP" })] },
    );
    const kit = kitOf("gemini-2.5-pro");
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "go"));
    expect(answerOf(outcome).parts).toMatchObject([{ text: "Ok" }]);
    expect(waits).toEqual([11_500]);
  });

  test("02-R45: knows a bad key although the status is 400", async () => {
    const reason = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" };
    const error = { code: 400, message: "API key not valid.", status: "INVALID_ARGUMENT", details: [reason] };
    wire.plan({ status: 400, body: { error } });
    const kit = kitOf("gemini-2.5-pro");
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go"));
    expect(outcome).toMatchObject({ ok: false, error: { class: "auth", retryable: false } });
  });
});
