import type { Json } from "@kheish/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SearchLimits } from "../../engine/ports.ts";
import { callThrough, requestOf, routeKit, textIn } from "../testing/kit.ts";
import { WireDouble, type WireReply } from "../testing/wire-double.ts";

const wire = new WireDouble();
beforeAll(() => wire.start());
afterAll(() => wire.stop());

const SEARCH: SearchLimits = { allowed_domains: [], blocked_domains: [], enable_image_understanding: false };
const SOURCES = [{ url: "https://one.example/a", title: "One" }, { url: "https://two.example/b" }];

const anthropic: WireReply = {
  events: [
    {
      type: "message_start",
      message: {
        ...{ type: "message", id: "msg_1", role: "assistant", model: "claude-sonnet-4-6", content: [] },
        usage: { input_tokens: 5, output_tokens: 1 },
      },
    },
    ...block(0, { type: "server_tool_use", id: "srv_1", name: "web_search", input: {} }, [
      { type: "input_json_delta", partial_json: '{"query":"q"}' },
    ]),
    ...block(1, {
      type: "web_search_tool_result",
      tool_use_id: "srv_1",
      content: SOURCES.map(({ url, title }) => ({
        ...{ type: "web_search_result", url, title: title ?? null },
        ...{ page_age: null, encrypted_content: "sealed" },
      })),
    }),
    ...block(2, { type: "text", text: "", citations: [] }, [
      {
        type: "citations_delta",
        citation: {
          ...{ type: "web_search_result_location", url: SOURCES[0]?.url ?? "", title: "One" },
          ...{ encrypted_index: "sealed", cited_text: "One says so." },
        },
      },
      { type: "text_delta", text: "Found." },
    ]),
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 9 },
    },
    { type: "message_stop" },
  ],
};
function block(index: number, content_block: Json, deltas: Json[] = []): Json[] {
  return [
    { type: "content_block_start", index, content_block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
    { type: "content_block_stop", index },
  ];
}

const response = { id: "resp_1", object: "response", created_at: 1, model: "m", output: [] };
const usage = { input_tokens: 9, output_tokens: 3, input_tokens_details: { cached_tokens: 0 } };
const call = { type: "web_search_call", id: "ws_1", status: "completed" };
const sources = SOURCES.map(({ url }) => ({ type: "url", url }));
const citation = {
  type: "url_citation",
  start_index: 0,
  end_index: 5,
  url: SOURCES[0]?.url ?? "",
  title: "One",
};
const at = { item_id: "msg_1", output_index: 1, content_index: 0 };
const message = { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [] };
const responses = (citations: Json[]): WireReply => ({
  events: [
    { type: "response.created", response },
    { type: "response.output_item.added", output_index: 0, item: { ...call, status: "in_progress" } },
    {
      type: "response.output_item.done",
      output_index: 0,
      item: { ...call, action: { type: "search", query: "q", sources } },
    },
    { type: "response.output_item.added", output_index: 1, item: message },
    { type: "response.output_text.delta", ...at, delta: "Found." },
    ...citations.map((annotation, annotation_index) => ({
      ...{ type: "response.output_text.annotation.added", ...at, annotation_index, annotation },
    })),
    { type: "response.output_item.done", output_index: 1, item: message },
    { type: "response.completed", response: { ...response, status: "completed", usage } },
  ],
});
const other = { ...citation, url: SOURCES[1]?.url ?? "", title: SOURCES[1]?.url ?? "" };

interface Row {
  driver: string;
  model: string;
  reply: WireReply;
  /** As it is declared on the wire. */
  tool: (limits: { allowed?: string[]; blocked?: string[] }) => object;
  cited?: string[];
}

const DRIVERS: Row[] = [
  {
    driver: "anthropic",
    cited: ["One says so."],
    model: "claude-sonnet-4-6",
    reply: anthropic,
    tool: ({ allowed, blocked }) => ({
      ...{ type: "web_search_20250305", name: "web_search", max_uses: 3 },
      ...(allowed && { allowed_domains: allowed }),
      ...(blocked && { blocked_domains: blocked }),
    }),
  },
  {
    driver: "openai",
    model: "gpt-5.4",
    reply: responses([citation]),
    tool: ({ allowed, blocked }) => ({
      type: "web_search",
      filters: { ...(allowed && { allowed_domains: allowed }), ...(blocked && { blocked_domains: blocked }) },
    }),
  },
  {
    driver: "xai",
    model: "grok-4",
    reply: responses([citation, other]),
    tool: ({ allowed, blocked }) => ({
      type: "web_search",
      ...(allowed && { allowed_domains: allowed }),
      ...(blocked && { excluded_domains: blocked }),
    }),
  },
];

describe.each(DRIVERS)("02-R42 $driver searches by itself", ({ driver, model, reply, tool, cited }) => {
  const kit = routeKit({ driver, model, baseUrl: "http://unused" });
  const ask = async (search: Partial<SearchLimits>) => {
    const asked = routeKit({ driver, model, baseUrl: `${wire.url}/v1` });
    wire.plan(reply);
    const request = requestOf(asked.route, "q", { kind: "search", search: { ...SEARCH, ...search } });
    const { outcome } = await callThrough(asked, request);
    return { outcome, body: wire.requests[0]?.body as { tools?: Json[] } };
  };

  test("and says so", () => {
    expect(kit.models.canSearch?.(kit.route, model)).toBe(true);
  });

  test("with its own tool, whose calls are nobody's here to perform", async () => {
    const { outcome, body } = await ask({});
    expect(body.tools).toEqual([tool({})]);
    expect(textIn(outcome)).toBe("Found.");
    expect(outcome).toMatchObject({
      ok: true,
      sources: [{ ...SOURCES[0], ...(cited && { cited }) }, SOURCES[1]],
      message: {
        parts: [{ type: "text" }],
        finish_reason: "stop",
        usage: { output_tokens: expect.any(Number) },
      },
    });
  });

  test("within the domains that it is told", async () => {
    const allowed = ["one.example"];
    expect((await ask({ allowed_domains: allowed })).body.tools).toEqual([tool({ allowed })]);
    expect((await ask({ blocked_domains: allowed })).body.tools).toEqual([tool({ blocked: allowed })]);
  });
});

describe("02-R42", () => {
  test.each([
    ["google", "gemini-2.5-pro"],
    ["openrouter", "anthropic/claude-sonnet-4.6"],
    ["openai_compatible", "local"],
  ])("%s has no search of its own", (driver, model) => {
    const kit = routeKit({ driver, model, baseUrl: "http://unused", more: 'model_support = "any"' });
    expect(kit.models.canSearch?.(kit.route, model)).toBe(false);
  });

  test("nor has a route that was told not to", () => {
    const kit = routeKit({
      driver: "openai",
      model: "gpt-5.4",
      baseUrl: "http://unused",
      more: "native_web_search = false",
    });
    expect(kit.models.canSearch?.(kit.route, "gpt-5.4")).toBe(false);
  });

  test("xAI looks at pictures where it may", async () => {
    const kit = routeKit({ driver: "xai", model: "grok-4", baseUrl: `${wire.url}/v1` });
    wire.plan(responses([citation]));
    const search = { ...SEARCH, enable_image_understanding: true };
    await callThrough(kit, requestOf(kit.route, "q", { kind: "search", search }));
    expect(wire.requests[0]?.body).toMatchObject({ tools: [{ enable_image_understanding: true }] });
  });
});
