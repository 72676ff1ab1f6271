import { type EndpointId, endpoints, type RunView } from "@kheish/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NEED_BODY, paramsOf, WITH_BODY, WRONG_BODIES } from "./support/bodies.ts";
import { problemIn } from "./support/client.ts";
import type { Fixture } from "./support/fixture.ts";
import { ENDLESS } from "./support/script.ts";

export const MAX_BODY_BYTES = 64 * 1024;
const JSON_TYPE = { "content-type": "application/json" };

/** A request's headers and body, as they are sent. */
interface Sent {
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
}

export function badBodies(fixture: Fixture): void {
  const { api } = fixture;

  /** A run that goes on, which no refused request may touch. */
  let run: RunView | undefined;
  beforeAll(async () => {
    run = await fixture.begin(ENDLESS);
  });
  afterAll(() => run && fixture.cancel(run.run_id));

  const leavingItAlone = <T>(action: (params: { session_id: string; run_id: string }) => Promise<T>) => {
    if (run === undefined) throw new Error("no run was begun");
    const { session_id, run_id } = run;
    return fixture.leavesAlone(session_id, () => action({ session_id, run_id }));
  };
  const refusal = (endpoint: EndpointId, sent: Sent) =>
    leavingItAlone(async (known) => {
      const { pathname } = new URL(api.url(endpoint, { params: paramsOf(endpoint, known) }));
      return problemIn(await api.send(endpoints[endpoint].method, pathname, sent), endpoint);
    });

  test.each(WITH_BODY)("%s: a body that is no JSON is malformed_json", async (endpoint) => {
    const refused = await refusal(endpoint, { headers: JSON_TYPE, body: '{"content": ' });
    expect(refused).toMatchObject({ status: 400, domain: "api", code: "malformed_json" });
  });

  test.each(NEED_BODY)("%s: no body is malformed_json", async (endpoint) => {
    const refused = await refusal(endpoint, {});
    expect(refused).toMatchObject({ status: 400, domain: "api", code: "malformed_json" });
  });

  test.each([
    ["trailing text", '{"content":"x"} x'],
    ["a bare word", "content"],
    ["two documents", "{}{}"],
    ["a trailing comma", '{"content":"x",}'],
    ["bytes that are no UTF-8", Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])("%s is malformed_json", async (_what, body) => {
    const refused = await refusal("submitRun", { headers: JSON_TYPE, body });
    expect(refused).toMatchObject({ status: 400, domain: "api", code: "malformed_json" });
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"])(
    "%s is unsupported_media_type",
    async (type) => {
      const sent = { headers: { "content-type": type }, body: '{"content":"x"}' };
      const refused = await refusal("submitRun", sent);
      expect(refused).toMatchObject({ status: 415, domain: "api", code: "unsupported_media_type" });
    },
  );

  test("a body above the limit is payload_too_large, one at the limit is not", async () => {
    const bodyOf = (bytes: number) => ({ content: "x".repeat(bytes - '{"content":""}'.length) });
    const sent = { headers: JSON_TYPE, body: JSON.stringify(bodyOf(MAX_BODY_BYTES + 1)) };
    const refused = await refusal("submitRun", sent);
    expect(refused).toMatchObject({ status: 413, domain: "api", code: "payload_too_large" });
    const session_id = await fixture.session();
    const most = await api.post(`/v1/sessions/${session_id}/runs`, bodyOf(MAX_BODY_BYTES));
    expect(most.status).toBe(202);
  });

  test.each(WRONG_BODIES)("%s: %s is request_body_invalid", async (endpoint, _what, body, path) => {
    const refused = await leavingItAlone((known) =>
      api.refusal(endpoint, { params: paramsOf(endpoint, known), body }),
    );
    expect(refused).toMatchObject({ status: 422, domain: "api", code: "request_body_invalid" });
    expect(refused.errors?.map((error) => error.path)).toContain(path);
  });

  test("a body with several things wrong is told them all", async () => {
    const refused = await api.refusal("createSession", { body: { session_id: 1, thread_id: 2, more: 3 } });
    const paths = refused.errors?.map((error) => error.path);
    expect(paths?.toSorted()).toEqual(["/more", "/session_id", "/thread_id"]);
  });

  test.each([
    ["a body nested too deeply", `{"content":"x","metadata":${"[".repeat(200)}${"]".repeat(200)}}`],
    ["a key __proto__", '{"content":"x","metadata":{"__proto__":{"a":1}}}'],
  ])("%s is request_body_invalid", async (_what, body) => {
    const refused = await refusal("submitRun", { headers: JSON_TYPE, body });
    expect(refused).toMatchObject({ status: 422, domain: "api", code: "request_body_invalid" });
  });

  test("text that is hard to store comes back as it was", async () => {
    const text =
      'NUL \u0000, quote ", backslash \\, separator \u2028, emoji 🦉, noncharacter \uffff, é and e\u0301';
    const run = await fixture.finish(await fixture.session(), text, { metadata: { [text]: text } });
    expect(run.outputs?.[0]?.content).toBe(text);
    expect(run.input_metadata).toEqual({ [text]: text });
  });

  test("half a character is text like any other, but no part of an id, which a path has to name", async () => {
    const half = "half \ud83e";
    const run = await fixture.finish(await fixture.session(), half);
    expect(run).toMatchObject({
      status: "completed",
      outputs: [{ content: expect.stringMatching(/^half ./u) }],
    });
    const refused = await api.refusal("createSession", { body: { session_id: half } });
    expect(refused).toMatchObject({ status: 400, domain: "sessions", code: "session_id_invalid" });
  });
}
