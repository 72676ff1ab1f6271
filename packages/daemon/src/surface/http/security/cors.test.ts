import { afterEach, describe, expect, it } from "vitest";
import type { HttpOptions } from "../index.ts";
import { echo, requestRaw, startTestServer, type TestServer } from "../test-support.ts";

let server: TestServer;
afterEach(() => server.close());
async function start(options: Partial<HttpOptions> = {}) {
  server = await startTestServer({ bindings: [echo("getSession"), echo("submitRun")], ...options });
}
const get = (origin: string) => requestRaw(server, "GET /v1/sessions/s1", { origin });

describe("02-R90: the loopback policy", () => {
  it.each(["http://localhost", "https://localhost:8443", "http://127.0.0.1:3000", "http://[::1]:1"])(
    "lets %s in",
    async (origin) => {
      await start();
      const answer = await get(origin);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    },
  );

  it.each([
    "https://example.com",
    "http://localhost.example.com",
    "http://127.0.0.2",
    "http://LOCALHOST",
    "http://localhost:3000/path",
    "http://localhost:port",
    "file://",
    "null",
    "",
  ])("refuses '%s'", async (origin) => {
    await start();
    const answer = await get(origin);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ domain: "cors", code: "origin_not_allowed" });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("passes what has no Origin, and adds nothing", async () => {
    await start();
    const answer = await requestRaw(server, "GET /v1/sessions/s1");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("02-R90: a request that names no Origin", () => {
  const from = (headers: Record<string, string>, path = "/v1/sessions/s1") =>
    requestRaw(server, `GET ${path}`, headers);
  const fetched = (site: string, mode: string, dest: string) => ({
    "sec-fetch-site": site,
    "sec-fetch-mode": mode,
    "sec-fetch-dest": dest,
  });

  it.each([
    ["an image", fetched("cross-site", "no-cors", "image")],
    ["a script", fetched("cross-site", "no-cors", "script")],
    ["a frame", fetched("cross-site", "navigate", "iframe")],
  ])("is refused as %s of another site's page", async (_what, headers) => {
    await start();
    const answer = await from(headers);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ domain: "cors", code: "origin_not_allowed" });
    expect(server.securityEvents).toMatchObject([{ event: "cors_origin_rejected" }]);
  });

  it.each([
    ["a link that is followed", fetched("cross-site", "navigate", "document")],
    ["our own page", fetched("same-origin", "cors", "empty")],
    ["the address bar", fetched("none", "navigate", "document")],
  ])("passes from %s", async (_what, headers) => {
    await start();
    expect((await from(headers)).status).toBe(200);
  });

  it("leaves the probes to everybody", async () => {
    await start();
    expect((await from(fetched("cross-site", "no-cors", "image"), "/healthz")).status).toBe(200);
  });
});

describe("02-R90: the exact list", () => {
  it("lets its entries in and nothing else", async () => {
    await start({ cors: { allowedOrigins: ["http://localhost:3000"] } });
    expect((await get("http://localhost:3000")).status).toBe(200);
    expect((await get("http://localhost:3001")).status).toBe(403);
  });
});

describe("the daemon's own pages", () => {
  const auth = { mode: "bearer", adminToken: "admin" } as const;
  const authorization = "Bearer admin";
  const named = (origin: string, host: string) =>
    requestRaw(server, "GET /v1/sessions/s1", { origin, host, authorization });

  it("08 are let in under whatever name the daemon was reached, on any list", async () => {
    await start({ auth, cors: { allowedOrigins: ["http://localhost:3000"] } });
    expect((await named("http://10.0.0.7:4000", "10.0.0.7:4000")).status).toBe(200);
    expect((await named("https://kheish.example.com", "kheish.example.com")).status).toBe(200);
  });

  it("are no others of the same machine, and need the token like everybody", async () => {
    await start({ auth });
    expect((await named("https://kheish.example.com:8443", "kheish.example.com")).status).toBe(403);
    expect((await named("https://example.com", "kheish.example.com")).status).toBe(403);
    const origin = "https://kheish.example.com";
    const stranger = await requestRaw(server, "GET /v1/sessions/s1", { origin, host: "kheish.example.com" });
    expect(stranger.status).toBe(401);
  });

  it("are not those of a name that was rebound to a daemon without auth", async () => {
    await start();
    expect((await named("http://evil.example:80", "evil.example:80")).status).toBe(403);
  });
});

describe("preflight", () => {
  const preflight = { origin: "http://localhost:3000", "access-control-request-method": "POST" };

  it("02-R90, 01 Base: is answered without a token, with all a client needs", async () => {
    await start({ auth: { mode: "bearer", adminToken: "t" } });
    const answer = await requestRaw(server, "OPTIONS /v1/sessions/s1/runs", preflight);
    expect(answer).toMatchObject({ status: 204, body: "" });
    const header = (name: string) => answer.headers.get(name);
    expect(header("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(header("access-control-allow-methods")).toBe("GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS");
    expect(header("access-control-allow-headers")?.split(",")).toEqual([
      "authorization",
      "content-type",
      "x-kheish-daemon-token",
      "x-kheish-daemon-url",
      "idempotency-key",
      "last-event-id",
      "if-match",
    ]);
    expect(header("access-control-max-age")).toBe("600");
    expect(header("vary")).toBe("origin, access-control-request-method, access-control-request-headers");
  });

  it("is refused to a foreign page", async () => {
    await start();
    const answer = await requestRaw(server, "OPTIONS /v1/sessions/s1/runs", {
      ...preflight,
      origin: "https://a.example",
    });
    expect(answer.status).toBe(403);
  });

  it("lets the page read problems and their headers too", async () => {
    await start({ auth: { mode: "bearer", adminToken: "t" } });
    const answer = await get("http://localhost:3000");
    expect(answer.status).toBe(401);
    expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    expect(answer.headers.get("access-control-expose-headers")).toContain("www-authenticate");
  });
});

describe("02-R89: refused origins", () => {
  it("stay 403 past the limit, only their audit is limited", async () => {
    await start();
    for (let attempt = 0; attempt < 65; attempt++)
      expect((await get("https://user:pw@evil.example/path")).status).toBe(403);
    const events = server.securityEvents.map((event) => event.event);
    expect(events.filter((event) => event === "cors_origin_rejected")).toHaveLength(60);
    expect(events.filter((event) => event === "cors_origin_rate_limited")).toHaveLength(1);
    expect(server.securityEvents[0]).toMatchObject({
      reason: "origin_not_allowed",
      origin: "https://evil.example",
    });
  });
});

describe("DNS rebinding", () => {
  const asked = (host: string) => requestRaw(server, "GET /v1/sessions/s1", { host });

  it.each(["localhost", "localhost:4000", "127.0.0.1:4000", "[::1]:4000", "LocalHost:80"])(
    "answers a page-less caller that asks for %s",
    async (host) => {
      await start();
      expect((await asked(host)).status).toBe(200);
    },
  );

  it.each([
    "evil.example",
    "evil.example:4000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "10.0.0.1",
  ])("refuses %s while there is no token to protect the daemon", async (host) => {
    await start();
    const answer = await asked(host);
    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ domain: "cors", code: "origin_not_allowed" });
  });

  it("accepts any name once a token is asked for", async () => {
    await start({ auth: { mode: "bearer", adminToken: "t" } });
    const answer = await requestRaw(server, "GET /v1/sessions/s1", {
      host: "kheish.example",
      authorization: "Bearer t",
    });
    expect(answer.status).toBe(200);
  });
});
