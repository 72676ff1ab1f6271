import { connect } from "node:net";
import { type EndpointId, endpoints } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { type LooseCall, problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ENDLESS, say, script } from "./support/script.ts";

const MAX_BODY_BYTES = 64 * 1024;
const ALL = Object.keys(endpoints) as EndpointId[];
const WITH_BODY = ALL.filter((id) => "body" in endpoints[id]);
const NEED_BODY = WITH_BODY.filter((id) => !("bodyOptional" in endpoints[id]));

/** Bodies that the contract allows, for endpoints that need one. */
const BODIES: Partial<Record<EndpointId, unknown>> = {
  submitRun: { content: "x" },
  sessionInput: { content: "x" },
  endSession: {},
  putCapabilityScope: { capability_scope: null },
  putCredentialScope: { credential_scope: null },
  putRoutePolicy: { route_policy: null },
  putReplyTargets: { reply_targets: [] },
  putOperator: { operator: null },
  putToolOverrides: { tool_overrides: null },
  resolveRunApprovals: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  resolveSessionApprovals: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  resolveSessionApprovalRuns: { resolutions: [{ request_id: "r", behavior: "allow" }] },
  answerRunQuestion: { resolution: { request_id: "r", declined: true } },
  answerSessionQuestion: { resolution: { request_id: "r", declined: true } },
};
/** The endpoints below a session or run, as far as their bodies are known here. */
const below = (parameter: string) =>
  ALL.filter((id) => endpoints[id].path.includes(parameter) && (id in BODIES || !NEED_BODY.includes(id)));
/** Something for every parameter of a path. */
const paramsOf = (endpoint: EndpointId, known: Record<string, string> = {}) => ({
  ...Object.fromEntries([...endpoints[endpoint].path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, "x"])),
  ...known,
});

/** Bodies with one thing wrong, and where. */
const WRONG_BODIES: [EndpointId, string, unknown, string][] = [
  ["createSession", "a number for an id", { session_id: 7 }, "/session_id"],
  ["createSession", "an unknown member", { session: "x" }, "/session"],
  [
    "createSession",
    "a scope with an unknown list",
    { capability_scope: { tools: [] } },
    "/capability_scope/tools",
  ],
  ["submitRun", "a number for the text", { content: 7 }, "/content"],
  ["submitRun", "an item of an unknown type", { input_items: [{ type: "video" }] }, "/input_items/0/type"],
  [
    "submitRun",
    "an item with an unknown member",
    { input_items: [{ type: "text", text: "x", b: 1 }] },
    "/input_items/0/b",
  ],
  [
    "submitRun",
    "an unknown generation setting",
    { content: "x", generation: { seed: 1 } },
    "/generation/seed",
  ],
  [
    "submitRun",
    "an output of no tokens",
    { content: "x", generation: { max_output_tokens: 0 } },
    "/generation/max_output_tokens",
  ],
  [
    "submitRun",
    "a reply target without plugin",
    { content: "x", reply_targets: [{ address: 1 }] },
    "/reply_targets/0/plugin",
  ],
  ["submitRun", "an empty binding key", { content: "x", binding_keys: [""] }, "/binding_keys/0"],
  [
    "submitRun",
    "an unknown requirement",
    { content: "x", completion_requirements: [{ type: "joy" }] },
    "/completion_requirements/0/type",
  ],
  ["sessionInput", "a list for a body", [], ""],
  ["sessionInput", "null", null, ""],
  ["interruptSession", "a member where none is taken", { now: true }, "/now"],
  ["endSession", "a number for the reason", { reason: 1 }, "/reason"],
  ["putRoutePolicy", "a policy that is text", { route_policy: "x" }, "/route_policy"],
  ["putRoutePolicy", "no policy at all", {}, "/route_policy"],
  [
    "putOperator",
    "a negative timeout",
    { operator: { approval_timeout_ms: -1 } },
    "/operator/approval_timeout_ms",
  ],
  ["putOperator", "an unknown member", { operator: { name: "x" } }, "/operator/name"],
  ["putToolOverrides", "text for a list", { tool_overrides: { disable: "bash" } }, "/tool_overrides/disable"],
  ["putReplyTargets", "null for a list", { reply_targets: null }, "/reply_targets"],
  ["resolveRunApprovals", "no resolutions", {}, "/resolutions"],
  [
    "resolveRunApprovals",
    "an unknown decision",
    { resolutions: [{ request_id: "r", behavior: "maybe" }] },
    "/resolutions/0/behavior",
  ],
  [
    "resolveRunApprovals",
    "an empty request id",
    { resolutions: [{ request_id: "", behavior: "allow" }] },
    "/resolutions/0/request_id",
  ],
  [
    "answerRunQuestion",
    "an answer without its request",
    { resolution: { declined: true } },
    "/resolution/request_id",
  ],
  [
    "answerRunQuestion",
    "an option that is a number",
    { resolution: { request_id: "r", answers: [{ question_id: "q", selected_option_ids: [1] }] } },
    "/resolution/answers/0/selected_option_ids/0",
  ],
  ["cancelRunQuestion", "a number for why", { justification: 1 }, "/justification"],
  ["setPermissionMode", "an unknown mode", { mode: "yolo" }, "/mode"],
  [
    "setPermissionMode",
    "a revision that is none",
    { mode: "plan", expected_revision: -1 },
    "/expected_revision",
  ],
  ["pruneRuns", "an age that is text", { older_than_ms: "1" }, "/older_than_ms"],
];

export function badInput(fixture: Fixture): void {
  const { api } = fixture;
  const json = { "content-type": "application/json" };
  const pathOf = (endpoint: EndpointId, call: LooseCall) => new URL(api.url(endpoint, call)).pathname;

  /** The session of a run that goes on, and a request that must leave it alone. */
  const refusedRaw = async (
    endpoint: EndpointId,
    init: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> },
  ) => {
    const { session_id, run_id } = await fixture.begin(ENDLESS);
    const params = paramsOf(endpoint, { session_id, run_id });
    const { method } = endpoints[endpoint];
    const refused = await fixture.leavesAlone(session_id, async () =>
      problemIn(await api.send(method, pathOf(endpoint, { params }), init), endpoint),
    );
    await fixture.cancel(run_id);
    return refused;
  };

  describe("the body", () => {
    test.each(WITH_BODY)("%s: that is no JSON is malformed_json", async (endpoint) => {
      const refused = await refusedRaw(endpoint, { headers: json, body: '{"content": ' });
      expect(refused).toMatchObject({ status: 400, domain: "api", code: "malformed_json" });
    });

    test.each([
      ["trailing text", '{"content":"x"} x'],
      ["a bare word", "content"],
      ["two documents", "{}{}"],
      ["a trailing comma", '{"content":"x",}'],
      ["bytes that are no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ])("with %s is malformed_json", async (_what, body) => {
      expect(await refusedRaw("submitRun", { headers: json, body })).toMatchObject({
        status: 400,
        code: "malformed_json",
      });
    });

    test("that is missing where one is needed is malformed_json, and not where none is", async () => {
      for (const endpoint of NEED_BODY) {
        expect(await refusedRaw(endpoint, {})).toMatchObject({ status: 400, code: "malformed_json" });
      }
      const { run_id, session_id } = await fixture.begin(ENDLESS);
      expect((await api.call("interruptSession", at(session_id))).interrupted).toBe(true);
      expect((await fixture.cancel(run_id)).status).toBe("interrupted");
    });

    test.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"])(
      "as %s is unsupported_media_type",
      async (type) => {
        const refused = await refusedRaw("submitRun", {
          headers: { "content-type": type },
          body: '{"content":"x"}',
        });
        expect(refused).toMatchObject({ status: 415, domain: "api", code: "unsupported_media_type" });
      },
    );

    test("that is too large is payload_too_large, however it is sent", async () => {
      const body = JSON.stringify({ content: "x".repeat(MAX_BODY_BYTES) });
      const refused = await refusedRaw("submitRun", { headers: json, body });
      expect(refused).toMatchObject({ status: 413, domain: "api", code: "payload_too_large" });
      const { session_id } = await fixture.begin("hi");
      const most = JSON.stringify({ content: "x".repeat(MAX_BODY_BYTES - '{"content":""}'.length) });
      const path = pathOf("submitRun", at(session_id));
      expect((await api.send("POST", path, { headers: json, body: most })).status).toBe(202);
    });

    test.each(WRONG_BODIES)("%s: %s", async (endpoint, _what, body, path) => {
      const { session_id, run_id } = await fixture.begin(ENDLESS);
      await fixture.leavesAlone(session_id, async () => {
        const refused = await api.refusal(endpoint, {
          params: paramsOf(endpoint, { session_id, run_id }),
          body,
        });
        expect(refused).toMatchObject({ status: 422, domain: "api", code: "request_body_invalid" });
        expect(refused.errors?.map((error) => error.path)).toContain(path);
      });
      await fixture.cancel(run_id);
    });

    test("with several things wrong names them all", async () => {
      const refused = await api.refusal("createSession", { body: { session_id: 1, thread_id: 2, more: 3 } });
      expect(refused.errors?.map((error) => error.path).toSorted()).toEqual([
        "/more",
        "/session_id",
        "/thread_id",
      ]);
    });

    test.each([
      ["nested too deeply", `{"content":"x","metadata":${"[".repeat(200)}${"]".repeat(200)}}`],
      ["with a key __proto__", '{"content":"x","metadata":{"__proto__":{"a":1}}}'],
    ])("%s is request_body_invalid", async (_what, body) => {
      const refused = await refusedRaw("submitRun", { headers: json, body });
      expect(refused).toMatchObject({ status: 422, code: "request_body_invalid" });
    });

    test("with text that is hard to store comes back as it was", async () => {
      const content =
        'NUL \u0000, quote ", backslash \\, line separator \u2028, emoji 🦉, noncharacter \uffff';
      const run = await fixture.settles(
        (await fixture.begin(content, { metadata: { [content]: content } })).run_id,
      );
      expect(run.outputs?.[0]?.content).toBe(content);
      expect(run.input_metadata).toEqual({ [content]: content });
    });

    test("with half a character is refused or comes back, and never breaks anything", async () => {
      const { session_id } = await fixture.begin("hi");
      const path = pathOf("submitRun", at(session_id));
      const reply = await api.send("POST", path, { headers: json, body: '{"content":"half \\ud83e"}' });
      expect([202, 400, 422]).toContain(reply.status);
      const created = await api.send("POST", "/v1/sessions", {
        headers: json,
        body: '{"session_id":"half \\ud83e"}',
      });
      expect([201, 400, 422]).toContain(created.status);
      expect(await api.call("listSessions")).toBeInstanceOf(Array);
    });
  });

  describe("the path", () => {
    test.each([
      ["an unknown one", "GET", "/v1/nothing", 404, "route_not_found"],
      ["one below a known one", "GET", "/v1/sessions/s/nothing", 404, "route_not_found"],
      ["one without version", "GET", "/sessions", 404, "route_not_found"],
      ["an empty id", "GET", "/v1/sessions/", 400, "request_path_invalid"],
      ["an id that is no UTF-8", "GET", "/v1/sessions/%ff", 400, "request_path_invalid"],
      ["an id with half an escape", "GET", "/v1/sessions/%4", 400, "request_path_invalid"],
      ["another method", "PATCH", "/v1/sessions/s", 405, "method_not_allowed"],
      ["a method that changes, where one reads", "DELETE", "/v1/runs", 405, "method_not_allowed"],
    ] as const)("%s", async (_what, method, path, status, code) => {
      const reply = await api.send(method, path);
      expect(problemIn(reply, path)).toMatchObject({ status, domain: "api", code });
      if (status === 405) expect(reply.headers.get("allow")).toContain("GET");
    });

    test.each(["..", "."])(
      "'%s', percent-encoded, is an id like any other, which nobody has",
      async (dots) => {
        // fetch would resolve the segment; a client that writes its own request line does not.
        const { port } = new URL(fixture.daemon.baseUrl);
        const socket = connect(Number(port), "127.0.0.1");
        const path = `/v1/sessions/${dots.replaceAll(".", "%2E")}`;
        socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
        let answer = "";
        for await (const chunk of socket) answer += chunk;
        expect(answer).toMatch(/^HTTP\/1.1 404 /);
        expect(answer).toContain('"code":"session_not_found"');
      },
    );
  });

  describe("what is not there", () => {
    test.each(below("{session_id}"))("%s of no session: 404", async (endpoint) => {
      const params = paramsOf(endpoint, { session_id: "nobody/é" });
      const refused = await api.refusal(endpoint, { params, body: BODIES[endpoint] });
      expect(refused).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
    });

    test.each(below("{run_id}"))("%s of no run: 404", async (endpoint) => {
      for (const run_id of ["run-999999", "run-", "RUN-1", "1", "../1", "run-1/x"]) {
        const params = paramsOf(endpoint, { run_id });
        const refused = await api.refusal(endpoint, { params, body: BODIES[endpoint] });
        expect(refused).toMatchObject({ status: 404, domain: "runs", code: "run_not_found" });
      }
    });
  });

  describe("the query", () => {
    test("a parameter given twice is refused, an unknown one does not matter", async () => {
      const twice = problemIn(await api.send("GET", "/v1/runs?limit=1&limit=2"), "listRuns");
      expect(twice).toMatchObject({ status: 400, domain: "api", code: "request_query_invalid" });
      expect(await api.call("listRuns", { query: { colour: "red" } })).toBeInstanceOf(Array);
    });

    test.each([
      ["after_offset", "-1"],
      ["after_offset", "x"],
      ["limit", "0"],
      ["limit", "x"],
    ])("sessionEvents with %s=%s is refused", async (name, value) => {
      const session_id = await fixture.session();
      const refused = await api.refusal("sessionEvents", {
        params: { session_id },
        query: { [name]: value },
      });
      expect(refused).toMatchObject({ status: 400, domain: "pagination" });
    });

    test("an offset beyond the end is the end", async () => {
      const session_id = await fixture.session();
      await fixture.finish(session_id, script(say("x")));
      const log = await api.call("sessionEvents", {
        params: { session_id },
        query: { after_offset: "999999" },
      });
      expect(log.session.journal).toEqual([]);
      expect(log).not.toHaveProperty("next_offset");
    });
  });
}
