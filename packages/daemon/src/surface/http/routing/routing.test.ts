import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echo, requestRaw, startTestServer, type TestServer } from "../test-support.ts";
import { requestTarget } from "./request-target.ts";
import { routeTable } from "./route-table.ts";

const bindings = [
  echo("getSession"),
  echo("listSessions"),
  echo("createSession"),
  echo("getRun"),
  echo("pruneRuns"),
  echo("runDebugArtifact"),
];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ bindings });
});
afterAll(() => server.close());

describe("path parameters (01, HTTP, Base: ids are percent-encoded segments)", () => {
  it.each([
    ["an encoded slash", "a%2Fb", "a/b"],
    ["unicode", "caf%C3%A9-%F0%9F%90%99", "café-🐙"],
    ["dots that a URL parser would resolve", "%2E%2E", ".."],
    ["dots as they are", "..", ".."],
    ["a percent sign", "100%25", "100%"],
    ["a percent sign before hex digits", "%252F", "%2F"],
    ["characters that mean something to routers", "a:b*c{d}", "a:b*c{d}"],
    ["an encoded question mark", "a%3Fb", "a?b"],
    ["a prototype's name", "__proto__", "__proto__"],
  ])("takes %s for an id", async (_what, raw, id) => {
    const answer = await requestRaw(server, `GET /v1/sessions/${raw}`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ params: { session_id: id } });
  });

  it("decodes each of several parameters", async () => {
    const answer = await requestRaw(server, "GET /v1/runs/r%201/debug/artifacts/a%2F1");
    expect(answer.body).toMatchObject({ params: { run_id: "r 1", artifact_id: "a/1" } });
  });

  it.each([
    ["a cut sequence", "%"],
    ["no hex digits", "%zz"],
    ["bytes that are not UTF-8", "%C3%28"],
    ["an empty id", ""],
  ])("refuses %s with 400 request_path_invalid", async (_what, raw) => {
    const answer = await requestRaw(server, `GET /v1/sessions/${raw}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ domain: "api", code: "request_path_invalid" });
    expect(answer.body).toMatchObject({ errors: [{ path: "/session_id" }] });
  });

  it("refuses an empty id in the middle", async () => {
    const answer = await requestRaw(server, "GET /v1/runs//debug/artifacts/a");
    expect(answer.body).toMatchObject({ code: "request_path_invalid", errors: [{ path: "/run_id" }] });
  });

  it("takes an absolute request target", async () => {
    const answer = await requestRaw(server, `GET http://127.0.0.1:${server.port}/v1/sessions/s1?x=1`);
    expect(answer.body).toMatchObject({ params: { session_id: "s1" } });
  });

  it.each(["OPTIONS *", "GET /v1\\sessions"])("refuses the target of '%s'", async (line) => {
    const answer = await requestRaw(server, line);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ code: "request_path_invalid" });
  });
});

describe("routes", () => {
  it.each(["/v1/nothing", "/", "/v1/sessions/a/b/c", "/v1/sessions/a/", "/V1/sessions"])(
    "answers 404 route_not_found for %s",
    async (path) => {
      const answer = await requestRaw(server, `GET ${path}`);
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ domain: "api", code: "route_not_found", title: "Not Found" });
    },
  );

  it("answers 405 with the methods of all endpoints of the path", async () => {
    const answer = await requestRaw(server, "DELETE /v1/sessions");
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS, POST");
    expect(answer.body).toMatchObject({ domain: "api", code: "method_not_allowed" });
  });

  it.each(["TRACE", "PROPFIND"])("answers 405 to %s", async (method) => {
    expect((await requestRaw(server, `${method} /v1/sessions`)).status).toBe(405);
  });

  it("does not take a literal path for an id of the same shape", async () => {
    const answer = await requestRaw(server, "PUT /v1/runs/prune");
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS, POST");
    expect((await requestRaw(server, "GET /v1/runs/prune")).body).toMatchObject({
      params: { run_id: "prune" },
    });
  });

  it("answers OPTIONS with the methods", async () => {
    const answer = await requestRaw(server, "OPTIONS /v1/sessions/s1");
    expect(answer.status).toBe(204);
    expect(answer.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  it("answers HEAD as GET without a body", async () => {
    const answer = await requestRaw(server, "HEAD /v1/sessions/s1");
    expect(answer).toMatchObject({ status: 200, body: "" });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect((await requestRaw(server, "HEAD /v1/nothing")).status).toBe(404);
  });

  it("does not route an endpoint of the contract that nobody bound", async () => {
    expect((await requestRaw(server, "GET /v1/questions")).status).toBe(404);
  });

  it("refuses two bindings of one endpoint", () => {
    expect(() => routeTable([echo("getRun"), echo("getRun")])).toThrow("bound twice");
  });
});

describe("query", () => {
  it("hands over the parameters the endpoint knows", async () => {
    const answer = await requestRaw(server, "GET /v1/sessions?limit=5&persona_id=a%20b+c&other=1");
    expect(answer.body).toMatchObject({ query: { limit: "5", persona_id: "a b c" } });
    expect(JSON.stringify(answer.body)).not.toContain("other");
  });

  it("refuses a parameter given twice", async () => {
    const answer = await requestRaw(server, "GET /v1/sessions?limit=5&limit=6");
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "request_query_invalid", errors: [{ path: "/limit" }] });
  });
});

describe("requestTarget", () => {
  it.each([
    ["/a/b?c=d?e", { path: "/a/b", query: "c=d?e" }],
    ["/a#f?x", { path: "/a", query: "" }],
    ["http://host:1?x=1", { path: "/", query: "x=1" }],
    ["", { path: "/", query: "" }],
  ])("splits '%s'", (raw, target) => {
    expect(requestTarget(raw)).toEqual(target);
  });
});
