import type { JsonObject } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import type {
  ModelCallOptions,
  ModelOutcome,
  ModelRequest,
  Usage,
  WebSource,
} from "../../src/engine/index.ts";
import { networkAllow } from "../../src/governance/outbound/network-allow.ts";
import { hitsInPage } from "../../src/tools/web/duckduckgo-page.ts";
import { actionsOf } from "../audit/support.ts";
import { calls as callsOf, ScriptedModel, says } from "../support/scripted-model.ts";
import { type Handler, PUBLIC, redirect, text } from "./fake-web.ts";
import { type WebRig, webRig } from "./web-run.ts";

const USAGE: Usage = { input_tokens: 100, output_tokens: 20 };

/** A model that calls web_search once, and whose provider can search. */
class SearchingModel extends ScriptedModel {
  canSearch = () => true;

  constructor(input: JsonObject, search: ModelOutcome) {
    super((request) => {
      if (request.kind === "search") return search;
      return request.turn === 0 ? callsOf([{ id: "call-0", name: "web_search", input }]) : says("done");
    });
  }

  get searches(): ModelRequest[] {
    return this.requests.filter(({ kind }) => kind === "search");
  }
}

function found(sources: WebSource[], summary = "What was found."): ModelOutcome {
  const answer = says(summary, { usage: USAGE });
  return answer.ok ? { ...answer, sources } : answer;
}
const FAILED: ModelOutcome = {
  ok: false,
  error: { class: "server_overloaded", message: "busy", status: 529, retryable: true },
};

const HITS = [
  { title: "One", url: "https://one.example/a", content: "About one." },
  { title: "Two", url: "https://two.example/", content: "About two." },
];
const searxng =
  (results: readonly object[] = HITS): Handler =>
  (_request, response) =>
    void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ results }));

interface Searched extends WebRig {
  model: SearchingModel;
  runId: string;
  output: JsonObject;
}

/** One run whose model searches; the local engine is a SearXNG on the operator's own machine. */
async function searched(
  input: JsonObject,
  native: ModelOutcome | undefined,
  { handler = searxng(), local = true, allow = [] as string[], prepare = async (_rig: WebRig) => {} } = {},
): Promise<Searched> {
  const model = new SearchingModel(input, native ?? FAILED);
  if (native === undefined) model.canSearch = () => false;
  const world = await webRig(
    {
      models: model,
      localSearch: local ? new URL("http://search.internal/") : "none",
      ...(allow.length === 0 ? {} : { allow: networkAllow(allow) }),
    },
    { models: model },
  );
  world.web.page("search.internal/search", handler, ["127.0.0.1"]);
  await prepare(world);
  const run = await world.session.submit("go");
  await world.session.reaches(run.run_id, "completed");
  const [output] = (await world.session.outputs()) as JsonObject[];
  if (output === undefined) throw new Error("the call has no result");
  return { ...world, model, runId: run.run_id, output };
}

describe("03-R18 02-R42 web_search", () => {
  it("02-R41 uses the provider's own search on the run's route, and tells nobody else of the query", async () => {
    const sources = [
      { url: "https://one.example/a", title: "One [1]", cited: ["First.", "Second."] },
      { url: "https://sub.two.example/b" },
      { url: "https://one.example/a", title: "again" },
    ];
    const { output, model, web, recorded, session, runId } = await searched(
      { query: "  what is one  " },
      found(sources),
    );
    expect(output).toEqual({
      query: "what is one",
      engine: "scripted_web_search",
      implementation: "native",
      provider: "scripted",
      model: "big",
      summary: "What was found.",
      results: [
        {
          title: "One [1]",
          url: "https://one.example/a",
          snippet: "First. … Second.",
          domain: "one.example",
        },
        { title: "", url: "https://sub.two.example/b", snippet: "", domain: "sub.two.example" },
      ],
      returned_results: 2,
      citations: [
        { index: 1, title: "One [1]", url: "https://one.example/a" },
        { index: 2, title: "", url: "https://sub.two.example/b" },
      ],
      allowed_domains: [],
      blocked_domains: [],
      enable_image_understanding: false,
      sources_markdown:
        "- [One \\[1\\]](https://one.example/a)\n- [https://sub.two.example/b](https://sub.two.example/b)",
      citation_requirement: expect.stringContaining("Cite"),
    });
    expect(web.requests).toEqual([]);
    // The provider hears the query, and nothing of the conversation.
    expect(model.searches).toMatchObject([
      {
        run_id: runId,
        session_id: session.id,
        model: "big",
        tools: [],
        messages: [{ role: "user", parts: [{ type: "text", text: "what is one" }] }],
      },
    ]);
    expect(recorded).toMatchObject([
      {
        run_id: runId,
        tool_call_id: "call-0",
        principal_id: "test",
        kind: "provider_request",
        phase: "request",
      },
      { run_id: runId, tool_call_id: "call-0", kind: "provider_request", phase: "response", outcome: "ok" },
    ]);
    expect(JSON.stringify(recorded)).not.toContain("what is one");
  });

  it.each<[string, ModelOutcome | undefined, number]>([
    ["cannot search", undefined, 0],
    ["fails", FAILED, 1],
    ["finds nothing", found([]), 1],
  ])("falls back to the local engine where the provider %s", async (_why, native, asked) => {
    const { output, model, web, recorded } = await searched({ query: "what is one" }, native);
    expect(model.searches).toHaveLength(asked);
    expect(web.requests).toEqual(["search.internal /search?q=what+is+one&format=json"]);
    expect(output).toMatchObject({
      engine: "searxng",
      implementation: "local",
      provider: null,
      model: null,
      returned_results: 2,
      results: [
        { title: "One", url: "https://one.example/a", snippet: "About one.", domain: "one.example" },
        {},
      ],
    });
    expect(recorded.slice(-2)).toMatchObject([
      { kind: "web_search", target: "http://search.internal", phase: "request" },
      { kind: "web_search", target: "http://search.internal", phase: "response", outcome: "ok" },
    ]);
  });

  it("02-R74 records each attempt of the provider's search: each has left", async () => {
    class Retrying extends SearchingModel {
      override async call(request: ModelRequest, options: ModelCallOptions): Promise<ModelOutcome> {
        if (request.kind === "search" && !FAILED.ok) options.onRetry?.(FAILED.error);
        return super.call(request, options);
      }
    }
    const model = new Retrying({ query: "what" }, found([{ url: "https://one.example/" }]));
    const { session, recorded } = await webRig({ models: model }, { models: model });
    const { run_id } = await session.submit("go");
    await session.reaches(run_id, "completed");
    expect(recorded.map(({ phase, outcome }) => [phase, outcome])).toEqual([
      ["request", undefined],
      ["failed", "failed:status"],
      ["request", undefined],
      ["response", "ok"],
    ]);
  });

  it("fails with what to do where there is nothing to search with", async () => {
    const none = await searched({ query: "what" }, undefined, { local: false });
    expect(none.output).toEqual({
      error: expect.stringMatching(/--web-search$/),
      failure_class: "invalid_request",
    });
    const failed = await searched({ query: "what" }, FAILED, { local: false });
    expect(failed.output).toEqual({ error: "the provider's search failed: busy", failure_class: "status" });
    const actions = await actionsOf(failed.daemon, failed.runId);
    expect(actions.find(({ kind, phase }) => kind === "web_search" && phase === "failed")?.outcome).toBe(
      "failed:status",
    );
  });

  it("keeps what the provider said, where it found nothing and the local engine fails", async () => {
    const handler: Handler = (_request, response) => void response.writeHead(500).end();
    const { output } = await searched({ query: "what" }, found([], "Nobody knows."), { handler });
    expect(output).toMatchObject({ implementation: "native", summary: "Nobody knows.", returned_results: 0 });
  });

  it("filters by host and subdomain, whoever searched", async () => {
    const urls = [
      "https://example.com/1",
      "https://docs.example.com./2",
      "https://notexample.com/3",
      "https://example.com.evil.example/4",
      "https://bad.example.com/5",
      "https://deep.bad.example.com/6",
      "https://bücher.example.com/7",
      "https://user:pass@example.com/8",
      "ftp://example.com/9",
    ];
    const input = {
      query: "what",
      allowed_domains: ["Example.COM", "xn--bcher-kva.example.com"],
      blocked_domains: ["*.bad.example.com"],
    };
    const expected = [urls[0], urls[1], urls[6]];
    const native = await searched(input, found(urls.map((url) => ({ url }))));
    const local = await searched(input, undefined, { handler: searxng(urls.map((url) => ({ url }))) });
    for (const { output } of [native, local])
      expect((output.results as { url: string }[]).map(({ url }) => url)).toEqual(expected);
    expect(native.model.searches[0]?.search).toEqual({
      allowed_domains: ["example.com", "xn--bcher-kva.example.com"],
      blocked_domains: ["bad.example.com"],
      enable_image_understanding: false,
    });
    expect(new URL(`http://x${local.web.requests[0]?.split(" ")[1]}`).searchParams.get("q")).toBe(
      "what site:example.com OR site:xn--bcher-kva.example.com -site:bad.example.com",
    );
  });

  it("drops results that no agent could fetch", async () => {
    const urls = [
      "http://127.0.0.1:4000/v1/status",
      "http://169.254.169.254/latest/",
      "http://localhost/",
      "http://2130706433/",
      "http://[::1]/",
      "http://10.0.0.7/wiki",
      "javascript:alert(1)",
      "not a url",
      "https://public.example/",
    ];
    const shown = async (allow: string[]) => {
      const { output } = await searched({ query: "what" }, found(urls.map((url) => ({ url }))), { allow });
      return (output.results as { url: string }[]).map(({ url }) => url);
    };
    expect(await shown([])).toEqual(["https://public.example/"]);
    expect(await shown(["10.0.0.0/24"])).toEqual(["http://10.0.0.7/wiki", "https://public.example/"]);
  });

  it("answers eight results unless told otherwise, and never more than twenty", async () => {
    const many = found(Array.from({ length: 30 }, (_, index) => ({ url: `https://page.example/${index}` })));
    const lengths: unknown[] = [];
    for (const limit of [undefined, 3, 100]) {
      const { output } = await searched({ query: "what", ...(limit === undefined ? {} : { limit }) }, many);
      lengths.push(output.returned_results);
    }
    expect(lengths).toEqual([8, 3, 20]);
  });

  it.each<[string, Handler, string]>([
    ["refuses JSON", (_request, response) => void response.writeHead(403).end(), "status"],
    ["redirects", redirect("http://169.254.169.254/"), "status"],
    ["answers a page", text("<html>", "text/html"), "decode"],
    ["answers other JSON", text('{"results":[{"title":"no url"}]}', "application/json"), "decode"],
    [
      "answers without end",
      (_request, response) => void response.writeHead(200).end("x".repeat(3_000_000)),
      "decode",
    ],
    ["breaks off", (request) => void request.socket.destroy(), "transport"],
  ])("fails by its class where the local engine %s", async (_what, handler, failureClass) => {
    const { output, web } = await searched({ query: "what" }, undefined, { handler });
    expect(output.failure_class).toBe(failureClass);
    expect(web.requests).toHaveLength(1);
  });

  it.each<[JsonObject, string]>([
    [{ query: " a " }, "query"],
    [
      { query: "what", allowed_domains: ["https://example.com/x"] },
      "a host name is needed, such as example.com",
    ],
    [{ query: "what", blocked_domains: ["127.0.0.1"] }, "a host name is needed"],
    [{ query: "what", allowed_domains: [""] }, "a host name is needed"],
    [{ query: "what", limit: 0 }, "limit"],
    [{ query: "what", engine: "bing" }, "unknown field 'engine'"],
  ])("refuses %j", async (input, why) => {
    const { output, model } = await searched(input, found([]));
    expect(output.error).toContain(why);
    expect(model.searches).toEqual([]);
  });

  it("02-A6 is paid for: by the run, and by every budget that covers it", async () => {
    const { session, runId, daemon } = await searched(
      { query: "what" },
      found([{ url: "https://one.example/" }]),
      {
        prepare: async ({ daemon: before }) => {
          await before.call("setBudget", {
            params: { budget_id: "all" },
            body: {
              scope: { kind: "daemon" },
              window: { kind: "total" },
              limits: { total_tokens: 100_000 },
              on_limit: "fail",
            },
          });
        },
      },
    );
    const { usage } = await session.run(runId);
    expect(usage).toMatchObject({ input_tokens: 100, output_tokens: 20, model_calls: 3, tool_calls: 1 });
    const { json } = await daemon.call("getBudget", { params: { budget_id: "all" } });
    // The two turns say nothing of their usage and are charged by estimate.
    expect(json.used).toMatchObject({ model_calls: 3 });
    expect((json.used as { input_tokens: number }).input_tokens).toBeGreaterThanOrEqual(100);
    expect(json.reserved).toMatchObject({ model_calls: 0, total_tokens: 0 });
  });
});

describe("duckduckgo_html", () => {
  it("is what is asked where nothing else is configured, over TLS and nothing else", async () => {
    const { web, calls } = await webRig({ localSearch: "duckduckgo" });
    web.names.set("html.duckduckgo.com", [[PUBLIC]]);
    const [result] = await calls("web_search", [{ query: "what" }]);
    // Whoever answers there does not prove to be DuckDuckGo.
    expect(result?.output).toMatchObject({ failure_class: "connect" });
    expect(web).toMatchObject({ resolved: ["html.duckduckgo.com"], dialled: [[PUBLIC]], requests: [] });
  });

  it("is read as a page: links behind a counter, text with marks in it", () => {
    const page = `
      <div class="result results_links web-result"><h2 class="result__title">
        <a rel="nofollow" class="result__a" href="//duckduckgo.com/l/?uddg=https%3A%2F%2Fone.example%2Fa%3Fb%3Dc&amp;rut=x">On<b>e</b> &amp; more</a></h2>
        <a class="result__snippet" href="//duckduckgo.com/l/?uddg=x">About <b>one</b>.</a></div>
      <div class="result"><a class="result__a" href="https://two.example/">Two</a></div>`;
    expect(hitsInPage(page, "https://html.duckduckgo.com/html/")).toEqual([
      { url: "https://one.example/a?b=c", title: "One & more", snippet: "About one." },
      { url: "https://two.example/", title: "Two", snippet: "" },
    ]);
    expect(hitsInPage("<p>no results</p>", "https://html.duckduckgo.com/html/")).toEqual([]);
  });
});
