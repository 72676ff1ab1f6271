import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echo, parseAnswer, sendRaw, startTestServer, type TestServer } from "../test-support.ts";

const LIMIT = 64 * 1024;
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    bindings: [
      echo("submitRun"),
      echo("cancelRun"),
      echo("endSession"),
      echo("deleteRoutePolicy"),
      echo("postOperator"),
    ],
    bodyLimitBytes: LIMIT,
  });
});
afterAll(() => server.close());

const JSON_TYPE = { "content-type": "application/json" };

/** What the echo answers, or the problem document. */
interface AnswerBody {
  body: Record<string, unknown>;
  idempotencyKey?: string;
  lastEventId?: string;
  code: string;
  detail: string;
  title: string;
  errors: { path: string; message: string }[];
}

async function post(
  path: string,
  body: string | Uint8Array<ArrayBuffer> | undefined,
  headers: Record<string, string> = JSON_TYPE,
) {
  const init = { method: "POST", headers, ...(body !== undefined && { body }) };
  const response = await fetch(server.baseUrl + path, init);
  const answer = (await response.json()) as AnswerBody;
  return { status: response.status, type: response.headers.get("content-type"), body: answer };
}
const submit = (body: unknown) => post("/v1/sessions/s1/runs", JSON.stringify(body));

describe("media type", () => {
  it.each([
    "application/json",
    "application/json; charset=utf-8",
    'Application/JSON;charset="UTF-8"',
    "application/vnd.kheish+json",
  ])("accepts %s", async (type) => {
    const answer = await post("/v1/sessions/s1/runs", '{"content":"hi"}', { "content-type": type });
    expect(answer).toMatchObject({ status: 200, body: { body: { content: "hi" } } });
  });

  it("accepts JSON without a content type", async () => {
    const answer = parseAnswer(
      await sendRaw(
        server,
        "POST /v1/sessions/s1/runs HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 16\r\n\r\n" +
          '{"content":"hi"}',
      ),
    );
    expect(answer).toMatchObject({ status: 200, body: { body: { content: "hi" } } });
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/json; charset=utf-16",
    "application/jsonp",
  ])("refuses %s with 415", async (type) => {
    const answer = await post("/v1/sessions/s1/runs", '{"content":"hi"}', { "content-type": type });
    expect(answer).toMatchObject({
      status: 415,
      type: "application/problem+json",
      body: { domain: "api", code: "unsupported_media_type" },
    });
  });
});

it("refuses a compressed body with 415", async () => {
  const answer = await post("/v1/sessions/s1/runs", "{}", { ...JSON_TYPE, "content-encoding": "gzip" });
  expect(answer).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
});

describe("malformed JSON", () => {
  it("names line and column and never quotes the text", async () => {
    const answer = await post("/v1/sessions/s1/runs", '{"content": "s3cret",\n  "oops": s3cret}');
    expect(answer).toMatchObject({ status: 400, body: { domain: "api", code: "malformed_json" } });
    expect(answer.body.detail).toContain("line 2, column 11");
    expect(JSON.stringify(answer.body)).not.toContain("s3cret");
  });

  it("refuses bytes that are not UTF-8", async () => {
    const answer = await post("/v1/sessions/s1/runs", new Uint8Array([0x7b, 0xff, 0x7d]));
    expect(answer).toMatchObject({ status: 400, body: { code: "malformed_json" } });
  });

  it("refuses a missing and an empty body where one is needed", async () => {
    expect(await post("/v1/sessions/s1/runs", undefined)).toMatchObject({
      status: 400,
      body: { code: "malformed_json" },
    });
    expect(await post("/v1/sessions/s1/end", "")).toMatchObject({
      status: 400,
      body: { code: "malformed_json" },
    });
  });
});

describe("optional and absent bodies", () => {
  it.each([undefined, "", "{}"])("takes %j for an empty object where the body is optional", async (body) => {
    expect(await post("/v1/runs/r1/cancel", body)).toMatchObject({ status: 200, body: { body: {} } });
  });

  it("takes an empty chunked body for an absent one", async () => {
    const text = await sendRaw(
      server,
      "POST /v1/runs/r1/cancel HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    expect(parseAnswer(text)).toMatchObject({ status: 200, body: { body: {} } });
  });

  it("ignores a body where the endpoint takes none", async () => {
    const response = await fetch(`${server.baseUrl}/v1/sessions/s1/route-policy`, {
      method: "DELETE",
      body: "what?",
    });
    expect(response.status).toBe(200);
    expect(await response.json()).not.toHaveProperty("body");
  });
});

describe("shape", () => {
  it("hands over what the schema makes of the body", async () => {
    const answer = await submit({ content: "hi" });
    expect(answer.body.body).toMatchObject({ content: "hi", input_items: [], binding_keys: [] });
  });

  it("names each offending field by JSON Pointer, unknown ones too", async () => {
    const answer = await submit({
      content: 1,
      input_items: [{ type: "text", text: 2, extra: true }, { type: "zzz" }],
      "a/b~c": 1,
    });
    expect(answer).toMatchObject({ status: 422, body: { domain: "api", code: "request_body_invalid" } });
    expect(answer.body.title).toBe("Unprocessable Entity");
    const errors = new Map(answer.body.errors.map((error) => [error.path, error.message]));
    expect([...errors.keys()].sort()).toEqual([
      "/a~1b~0c",
      "/content",
      "/input_items/0/extra",
      "/input_items/0/text",
      "/input_items/1/type",
    ]);
    expect(errors.get("/a~1b~0c")).toBe("unknown field");
  });

  it("reports the form of a union that the value came nearest to", async () => {
    const answer = await submit({ reply_targets: [{ plugin: "http", address: 1, extra: 1 }] });
    expect(answer.body.errors).toEqual([{ path: "/reply_targets/0/extra", message: "unknown field" }]);
  });

  it("says so when no form of a union is near", async () => {
    const answer = await submit({ reply_targets: [5] });
    expect(answer.body.errors).toEqual([
      { path: "/reply_targets/0", message: "none of the accepted forms matches" },
    ]);
  });

  it("refuses a document that is no object", async () => {
    expect((await submit([])).body.errors).toMatchObject([{ path: "" }]);
  });

  it("gives a bounded answer to unboundedly many errors", async () => {
    const junk = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, 1]));
    expect((await submit(junk)).body.errors).toHaveLength(50);
    const [error] = (await submit({ ["x".repeat(5000)]: 1 })).body.errors;
    expect(error?.path.length).toBeLessThan(300);
  });
});

describe("hostile JSON", () => {
  it.each(['{"metadata":{"__proto__":{"admin":true}}}', '{"metadata":[{"\\u005f_proto__":1}]}'])(
    "refuses the key __proto__ in %s and stays unpolluted",
    async (body) => {
      const answer = await post("/v1/sessions/s1/runs", body);
      expect(answer).toMatchObject({ status: 422, body: { code: "request_body_invalid" } });
      expect(answer.body.errors[0]?.path).toMatch(/^\/metadata.*\/__proto__$/);
      expect(answer.body.detail).toContain(`${answer.body.errors[0]?.path}: this key is not accepted`);
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    },
  );

  it("takes the keys constructor and prototype for data", async () => {
    const metadata = { constructor: { prototype: 1 }, toString: "x" };
    expect((await submit({ metadata })).body.body.metadata).toEqual(metadata);
  });

  it("refuses a document nested too deeply, well-formed or not", async () => {
    const deep = "[".repeat(30_000);
    const closed = await post("/v1/sessions/s1/runs", `{"metadata":${deep}${"]".repeat(30_000)}}`);
    expect(closed).toMatchObject({ status: 422, body: { code: "request_body_invalid" } });
    expect(closed.body.detail).toContain("nested deeper than");
    expect((await post("/v1/sessions/s1/runs", deep)).body.code).toBe("malformed_json");
  });

  it("takes a document nested as deep as anybody needs", async () => {
    let metadata: unknown = 1;
    for (let level = 0; level < 100; level++) metadata = level % 2 ? [metadata] : { level: metadata };
    expect((await submit({ metadata })).status).toBe(200);
  });
});

describe("body limit", () => {
  it("takes a body of exactly the limit", async () => {
    const frame = '{"content":""}'.length;
    expect((await submit({ content: "x".repeat(LIMIT - frame) })).status).toBe(200);
  });

  it("refuses a longer one by its declared length", async () => {
    const answer = await submit({ content: "x".repeat(LIMIT) });
    expect(answer).toMatchObject({ status: 413, body: { domain: "api", code: "payload_too_large" } });
  });

  it("counts a body that declares no length", async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull: (sink) => sink.enqueue(new Uint8Array(16 * 1024).fill(0x20)),
    });
    const response = await fetch(`${server.baseUrl}/v1/sessions/s1/runs`, {
      method: "POST",
      headers: JSON_TYPE,
      body: stream,
      duplex: "half",
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "payload_too_large" });
  });

  it("serves the next request after a refused one", async () => {
    expect((await submit({ content: "x".repeat(4 * LIMIT) })).status).toBe(413);
    expect((await submit({ content: "again" })).status).toBe(200);
  });

  it("logs no incident for a caller that leaves in the middle of its body", async () => {
    const socket = connect(server.port, server.address);
    socket.write("POST /v1/sessions/s1/runs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{");
    await new Promise((resolve) => socket.once("ready", resolve));
    socket.destroy();
    expect((await submit({ content: "still here" })).status).toBe(200);
    expect(server.log.filter((line) => line.level === "error")).toEqual([]);
  });
});

describe("headers", () => {
  it("hands over the idempotency key, even an empty one, where the endpoint honours it (01-R27)", async () => {
    const keyed = { ...JSON_TYPE, "idempotency-key": "k1" };
    expect((await post("/v1/sessions/s1/runs", "{}", keyed)).body.idempotencyKey).toBe("k1");
    expect(
      (await post("/v1/sessions/s1/runs", "{}", { ...JSON_TYPE, "idempotency-key": "" })).body.idempotencyKey,
    ).toBe("");
    expect((await post("/v1/runs/r1/cancel", "{}", keyed)).body).not.toHaveProperty("idempotencyKey");
  });

  it("hands over Last-Event-ID and ignores a blank one (01-R57)", async () => {
    expect(
      (await post("/v1/runs/r1/cancel", "{}", { ...JSON_TYPE, "last-event-id": "7" })).body.lastEventId,
    ).toBe("7");
    expect(
      (await post("/v1/runs/r1/cancel", "{}", { ...JSON_TYPE, "last-event-id": " " })).body,
    ).not.toHaveProperty("lastEventId");
  });
});
