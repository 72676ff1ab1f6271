import { genericProblem, problem } from "@kheish/contract";
import { afterEach, describe, expect, it } from "vitest";
import type { Binding } from "../../../features/binding.ts";
import { ok } from "../../../features/binding.ts";
import { StoreError } from "../../../kernel/store.ts";
import type { HttpOptions } from "../index.ts";
import { binding, echo, requestRaw, startTestServer, type TestServer } from "../test-support.ts";

let server: TestServer;
afterEach(() => server.close());
async function answerOf(handle: Binding["handle"], options: Partial<HttpOptions> = {}) {
  server = await startTestServer({ bindings: [binding("getSession", handle)], ...options });
  return requestRaw(server, "GET /v1/sessions/s1");
}
const failing = (error: unknown) => answerOf(() => Promise.reject(error));

describe("replies", () => {
  it("are rendered as the binding gave them", async () => {
    const answer = await answerOf(async () => ({
      status: 201,
      json: { a: "é" },
      headers: { location: "/v1/x" },
    }));
    expect(answer).toMatchObject({ status: 201, body: { a: "é" } });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("location")).toBe("/v1/x");
  });

  it("may be text of any type", async () => {
    const answer = await answerOf(async () => ({ status: 200, text: "a,b", contentType: "text/csv" }));
    expect(answer).toMatchObject({ status: 200, body: "a,b" });
    expect(answer.headers.get("content-type")).toBe("text/csv");
  });

  it("carry headers that keep browsers from doing anything with them", async () => {
    const { headers } = await answerOf(async () => ok({}));
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  it("may say otherwise about caching", async () => {
    const { headers } = await answerOf(async () => ({
      status: 200,
      json: {},
      headers: { "cache-control": "max-age=60" },
    }));
    expect(headers.get("cache-control")).toBe("max-age=60");
  });
});

describe("problems (01, Errors; 02, ProblemDetails)", () => {
  it("are rendered with their members and headers", async () => {
    const answer = await failing(
      problem("runs", "run_state_conflict", "it failed", {
        run_id: "run-1",
        headers: { "retry-after": "3" },
      }),
    );
    expect(answer.status).toBe(409);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("retry-after")).toBe("3");
    expect(answer.body).toEqual({
      type: "urn:kheish:problem:run_state_conflict",
      title: "Conflict",
      status: 409,
      detail: "it failed",
      code: "run_state_conflict",
      domain: "runs",
      run_id: "run-1",
    });
  });

  it("without a domain leave it out", async () => {
    expect((await failing(genericProblem(409, "no"))).body).not.toHaveProperty("domain");
  });

  it.each([
    ["an error", new Error("password is s3cret in /etc/kheish")],
    ["a thrown string", "s3cret"],
    ["a thrown nothing", undefined],
    [
      "an error that pretends to be an answer",
      Object.assign(new Error("s3cret"), { getResponse: () => new Response("s3cret") }),
    ],
  ])("hide %s behind an incident that the log explains", async (_what, error) => {
    const answer = await failing(error);
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({
      type: "urn:kheish:problem:internal_error",
      title: "Internal Server Error",
      status: 500,
      detail: "the daemon failed; its log has the incident",
      code: "internal_error",
      domain: "api",
      incident_id: expect.stringMatching(/^inc_[0-9a-f]{16}$/),
    });
    const incident = server.log.find((line) => line.level === "error");
    expect(incident?.fields).toMatchObject({
      incident_id: (answer.body as { incident_id: string }).incident_id,
      request_id: answer.headers.get("x-request-id"),
      err: expect.any(Error),
    });
  });

  it.each([
    ["full", "storage_full"],
    ["unavailable", "store_unavailable"],
    ["locked", "store_unavailable"],
  ] as const)("answer 503 when the store is %s", async (code, wire) => {
    const answer = await failing(new StoreError(code, "s3cret detail"));
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ domain: "api", code: wire });
    expect(JSON.stringify(answer.body)).not.toContain("s3cret");
  });

  it("say of a damaged store what to do, and nothing of what the log explains", async () => {
    const answer = await failing(new StoreError("corrupt", "s3cret page of /var/lib/kheish.db"));
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ domain: "api", code: "store_damaged" });
    expect(JSON.stringify(answer.body)).not.toMatch(/s3cret|kheish\.db/);
    expect(server.log.find((line) => line.level === "error")?.fields).toMatchObject({
      err: expect.any(Error),
    });
  });

  it("answer for a binding that replies in the wrong kind", async () => {
    async function* none() {}
    const answer = await answerOf(async () => ({ status: 200, stream: none() }));
    expect(answer.body).toMatchObject({ code: "internal_error" });
  });
});

describe("probes (01, Probes)", () => {
  it("answer plain text", async () => {
    server = await startTestServer();
    const health = await requestRaw(server, "GET /healthz");
    expect(health).toMatchObject({ status: 200, body: "ok\n" });
    expect(health.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await requestRaw(server, "GET /readyz")).toMatchObject({ status: 200, body: "ready\n" });
  });

  it("01-R99: readyz refuses while draining, healthz does not", async () => {
    server = await startTestServer({ readiness: () => false });
    const answer = await requestRaw(server, "GET /readyz");
    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ domain: "readiness", code: "daemon_draining" });
    expect((await requestRaw(server, "GET /healthz")).status).toBe(200);
  });
});

describe("the request log", () => {
  it("names the route and what the request is about, and never the query or the token", async () => {
    server = await startTestServer({ bindings: [echo("getSession"), echo("submitRun")] });
    const answer = await requestRaw(server, "GET /v1/sessions/s1?token=s3cret", {
      authorization: "Bearer s3cret",
    });
    const requestId = answer.headers.get("x-request-id");
    expect(requestId).toMatch(/^req_[0-9a-f]{16}$/);
    expect(server.log).toEqual([
      {
        level: "debug",
        message: "answered a request",
        fields: {
          request_id: requestId,
          session_id: "s1",
          method: "GET",
          route: "/v1/sessions/{session_id}",
          principal: "anonymous",
          status: 200,
          duration_ms: 0,
        },
      },
    ]);
  });

  it("says nothing about what a refused caller asked for", async () => {
    const auth = { mode: "bearer", adminToken: "the-admin-token" } as const;
    server = await startTestServer({ bindings: [echo("getSession")], auth });
    await requestRaw(server, "GET /v1/sessions/s3cret");
    const line = server.log.find(({ message }) => message === "answered a request");
    expect(line?.fields).toMatchObject({ route: "/v1/sessions/{session_id}", status: 401 });
    expect(JSON.stringify(line)).not.toContain("s3cret");
  });

  it("tells of changes and failures at info, and of unknown paths without naming them", async () => {
    server = await startTestServer({ bindings: [echo("submitRun")] });
    await requestRaw(server, "POST /v1/sessions/s1/runs");
    await requestRaw(server, "GET /v1/s3cret");
    expect(server.log.map(({ level, fields }) => [level, fields.route, fields.status])).toEqual([
      ["info", "/v1/sessions/{session_id}/runs", 400],
      ["debug", "unmatched", 404],
    ]);
  });
});
