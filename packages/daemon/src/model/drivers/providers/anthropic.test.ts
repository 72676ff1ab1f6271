import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../../engine/messages.ts";
import {
  answerOf,
  callThrough,
  continued,
  memoryBlobs,
  NOTE,
  requestOf,
  routeKit,
  TEST_KEY,
  testModels,
} from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "anthropic", model, baseUrl: `${wire.url}/v1`, more });

describe("anthropic", () => {
  const start = {
    type: "message_start",
    message: {
      type: "message",
      id: "msg_1",
      role: "assistant",
      model: "claude-sonnet-4-6",
      content: [],
      usage: { input_tokens: 5, output_tokens: 1 },
    },
  };
  const block = (index: number, content_block: Json, ...deltas: Json[]) => [
    { type: "content_block_start", index, content_block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
  const end = (stop_reason: string) => [
    { type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ];
  const textReply = {
    events: [
      start,
      ...block(0, { type: "text", text: "" }, { type: "text_delta", text: "Ok" }),
      ...end("end_turn"),
    ],
  };

  test("sends signed thinking back, marks the prompt cache and names its version", async () => {
    wire.plan(
      {
        events: [
          start,
          ...block(
            0,
            { type: "thinking", thinking: "" },
            { type: "thinking_delta", thinking: "Note it." },
            { type: "signature_delta", signature: "signed" },
          ),
          ...block(
            1,
            { type: "tool_use", id: "toolu_1", name: "note", input: {} },
            { type: "input_json_delta", partial_json: '{"text":' },
            { type: "input_json_delta", partial_json: '"x"}' },
          ),
          ...end("tool_use"),
        ],
      },
      textReply,
    );
    const kit = kitOf(
      "claude-sonnet-4-6",
      'anthropic_version = "2030-01-01"\nanthropic_beta_headers = ["beta-1", "beta-2"]',
    );
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(first.outcome)).toMatchObject({
      parts: [
        { type: "reasoning", text: "Note it.", provider_metadata: { anthropic: { signature: "signed" } } },
        { type: "tool_call", id: "toolu_1", input: { text: "x" } },
      ],
      finish_reason: "tool_calls",
      provider_response_id: "msg_1",
    });
    await callThrough(kit, requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }));
    const [one, two] = wire.requests;
    expect(one?.headers).toMatchObject({ "x-api-key": TEST_KEY, "anthropic-version": "2030-01-01" });
    expect(one?.headers["anthropic-beta"]).toContain("beta-1,beta-2");
    expect(one?.body).toMatchObject({
      max_tokens: 64_000,
      system: [{ cache_control: { type: "ephemeral" } }],
      messages: [{ role: "user", content: [{ text: "go", cache_control: { type: "ephemeral" } }] }],
    });
    expect(two?.body).toMatchObject({
      messages: [
        { role: "user" },
        { role: "assistant", content: [{ type: "thinking", thinking: "Note it.", signature: "signed" }, {}] },
        { role: "user", content: [{ type: "tool_result", cache_control: { type: "ephemeral" } }] },
      ],
    });
  });

  test("input cut at the output limit stays what it was", async () => {
    wire.plan({
      events: [
        start,
        ...block(
          0,
          { type: "tool_use", id: "toolu_1", name: "note", input: {} },
          { type: "input_json_delta", partial_json: '{"text": "half' },
        ),
        ...end("max_tokens"),
      ],
    });
    const kit = kitOf("claude-sonnet-4-6");
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(outcome)).toMatchObject({
      parts: [{ type: "tool_call", input: '{"text": "half' }],
      finish_reason: "length",
    });
  });

  test("02-R45: an overload reported inside the stream is retried", async () => {
    const overloaded = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    wire.plan({ events: [start, overloaded] }, textReply);
    const kit = kitOf("claude-sonnet-4-6");
    const { outcome, waits } = await callThrough(kit, requestOf(kit.route, "go"));
    expect(answerOf(outcome).parts).toMatchObject([{ text: "Ok" }]);
    expect(waits).toEqual([750]);
  });

  test("02-R43: thinking with a forced tool is refused without a request", async () => {
    wire.plan();
    const kit = kitOf("claude-sonnet-4-6");
    const generation = { reasoning: { effort: "low" as const }, tool_choice: "required" as const };
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE], generation }));
    expect(outcome).toMatchObject({ ok: false, error: { class: "invalid_request", retryable: false } });
    expect(wire.requests.length).toBe(0);
  });

  test("shows images as they are, text as words, and describes what the API does not read", async () => {
    wire.plan(textReply);
    const file = (sha256: string, media_type: string, file_name: string) =>
      ({ type: "file", sha256, media_type, file_name, size_bytes: 3 }) as const;
    const message: Message = {
      role: "user",
      id: "u1",
      parts: [
        file("image", "image/png", "a.png"),
        file("words", "text/csv", "b.csv"),
        file("archive", "application/zip", "c.zip"),
      ],
    };
    const blobs = memoryBlobs({
      image: Buffer.from("PNG"),
      words: Buffer.from("1,2"),
      archive: Buffer.from("PK"),
    });
    const kit = testModels(
      `[routes.main]\ndriver = "anthropic"\ndefault_model = "claude-sonnet-4-6"\napi_key = "${TEST_KEY}"\nbase_url = "${wire.url}"`,
      {},
      blobs,
    );
    const route = { route_id: "main", driver: "anthropic", model: "claude-sonnet-4-6" };
    await callThrough(kit, requestOf(route, [message]));
    expect(wire.requests[0]?.path).toBe("/v1/messages");
    expect(wire.requests[0]?.body).toMatchObject({
      messages: [
        {
          content: [
            {
              type: "image",
              source: { media_type: "image/png", data: Buffer.from("PNG").toString("base64") },
            },
            { type: "text", text: "[Attached file b.csv]\n1,2" },
            { type: "text", text: expect.stringContaining("c.zip (application/zip, 3 bytes)") },
          ],
        },
      ],
    });
  });
});
