import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerOf, callThrough, continued, NOTE, requestOf, routeKit } from "../../testing/kit.ts";
import { WireDouble } from "../../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const kitOf = (model: string, more = "") =>
  routeKit({ driver: "openai", model, baseUrl: `${wire.url}/v1`, more });

describe("openai", () => {
  const response = { id: "resp_1", object: "response", created_at: 1, model: "gpt-5.4", output: [] };
  const usage = { input_tokens: 9, output_tokens: 3, input_tokens_details: { cached_tokens: 0 } };
  const created = { type: "response.created", response };
  const completed = { type: "response.completed", response: { ...response, usage } };
  const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "sealed" };

  test("keeps sealed reasoning without words, and sends it back without storing anything", async () => {
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "note", arguments: "{}" };
    wire.plan(
      {
        events: [
          created,
          {
            type: "response.output_item.added",
            output_index: 0,
            item: { ...reasoning, encrypted_content: null },
          },
          { type: "response.output_item.done", output_index: 0, item: reasoning },
          { type: "response.output_item.added", output_index: 1, item: { ...call, arguments: "" } },
          { type: "response.output_item.done", output_index: 1, item: { ...call, status: "completed" } },
          completed,
        ],
      },
      { events: [created, completed] },
    );
    const kit = kitOf("gpt-5.4", 'organization = "org-1"\nproject = "proj-1"');
    const first = await callThrough(kit, requestOf(kit.route, "go", { tools: [NOTE] }));
    expect(answerOf(first.outcome)).toMatchObject({
      parts: [
        { type: "reasoning", text: "" },
        { type: "tool_call", id: "call_1", input: {} },
      ],
      finish_reason: "tool_calls",
      provider_response_id: "resp_1",
    });
    await callThrough(kit, requestOf(kit.route, continued(first.outcome), { tools: [NOTE], turn: 1 }));
    const [one, two] = wire.requests;
    expect(one?.headers).toMatchObject({ "openai-organization": "org-1", "openai-project": "proj-1" });
    expect(one?.body).toMatchObject({ store: false, tools: [{ name: "note", strict: false }] });
    expect(two?.body).not.toHaveProperty("previous_response_id");
    expect(two?.body).toMatchObject({
      input: [
        {},
        {},
        { type: "reasoning", encrypted_content: "sealed" },
        {},
        { type: "function_call_output" },
      ],
    });
  });

  test("02-R45: a failure reported inside the stream is classified by its code", async () => {
    const error = { code: "rate_limit_exceeded", message: "Slow down" };
    const failed = { type: "response.failed", sequence_number: 3, response: { ...response, error } };
    const begun = { type: "response.output_item.added", output_index: 0, item: reasoning };
    wire.plan(...Array.from({ length: 4 }, () => ({ events: [created, begun, failed] })));
    const kit = kitOf("gpt-5.4");
    const { outcome } = await callThrough(kit, requestOf(kit.route, "go"));
    expect(outcome).toMatchObject({ ok: false, error: { class: "rate_limited", retryable: true } });
    expect(wire.requests.length).toBe(4);
  });
});
