import { afterEach, describe, expect, it } from "vitest";
import type { HttpOptions } from "../index.ts";
import { controlPlaneStatus } from "../index.ts";
import { echo, startTestServer, type TestServer } from "../test-support.ts";

const bindings = [echo("getSession"), echo("submitRun"), echo("runDebugArtifact"), echo("listSessions")];
const both = { mode: "auto", adminToken: "the-admin-token", readOnlyToken: "the-read-token" } as const;

let server: TestServer;
afterEach(() => server.close());
async function start(auth: HttpOptions["auth"]) {
  server = await startTestServer({ bindings, auth });
}

async function call(method: string, path: string, authorization?: string) {
  const response = await fetch(server.baseUrl + path, {
    method,
    headers: {
      "content-type": "application/json",
      ...(authorization !== undefined && { authorization }),
    },
    ...(method === "POST" && { body: "{}" }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text,
  };
}
const read = (authorization?: string) => call("GET", "/v1/sessions/s1", authorization);
const write = (authorization?: string) => call("POST", "/v1/sessions/s1/runs", authorization);

describe("who calls", () => {
  it("02-R83: auto on loopback without a token makes everybody the operator", async () => {
    await start({ mode: "auto" });
    expect((await write()).body.principal).toEqual({ id: "anonymous", access: "admin" });
  });

  it("02-A4: auto with a token asks for it on loopback too", async () => {
    await start({ mode: "auto", adminToken: "the-admin-token" });
    expect((await read()).status).toBe(401);
  });

  it("02-W20: mode none decides, whatever tokens are configured", async () => {
    await start({ ...both, mode: "none" });
    expect((await write()).body.principal).toEqual({ id: "anonymous", access: "admin" });
  });

  it("names the principal behind each token", async () => {
    await start(both);
    expect((await read("Bearer the-read-token")).body.principal).toEqual({
      id: "read-token",
      access: "read",
    });
    expect((await read("Bearer the-admin-token")).body.principal).toEqual({
      id: "admin-token",
      access: "admin",
    });
    expect((await write("Bearer the-admin-token")).status).toBe(200);
  });

  it("02, HTTP: OPTIONS of any path is answered before a token is asked for", async () => {
    await start(both);
    const known = await call("OPTIONS", "/v1/sessions/s1");
    expect(known).toMatchObject({ status: 204, body: "" });
    expect(known.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    const unknown = await call("OPTIONS", "/v1/nothing");
    expect(unknown.status).toBe(204);
    expect(unknown.headers.get("allow")).toBeNull();
    expect((await call("GET", "/v1/nothing")).status).toBe(401);
  });

  it.each(["bearer the-read-token", "BEARER   the-read-token", "Bearer the-read-token  "])(
    "02-R85: takes '%s'",
    async (authorization) => {
      await start(both);
      expect((await read(authorization)).status).toBe(200);
    },
  );

  it("02-R85: trims the configured token", async () => {
    await start({ mode: "bearer", adminToken: "  the-admin-token\n" });
    expect((await read("Bearer the-admin-token")).status).toBe(200);
  });

  it.each([
    ["missing_token", undefined],
    ["malformed_token", "the-admin-token"],
    ["malformed_token", "Bearer"],
    ["malformed_token", "Bearer one two"],
    ["malformed_token", "Basic dXNlcjpwYXNz"],
    ["invalid_token", "Bearer the-admin-toke"],
    ["invalid_token", "Bearer THE-ADMIN-TOKEN"],
  ])("02-R88: answers 401 %s to %j", async (code, authorization) => {
    await start(both);
    const answer = await read(authorization);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="kheish-daemon"');
    expect(answer.body).toMatchObject({ domain: "auth", code, title: "Unauthorized" });
    expect(JSON.stringify(answer.body)).not.toContain("admin-toke");
  });
});

describe("what is enough", () => {
  it.each([
    ["POST", "/v1/sessions/s1/runs"],
    ["GET", "/v1/runs/r1/debug/artifacts/a1"],
    ["GET", "/v1/unknown"],
    ["DELETE", "/v1/sessions"],
  ])("02-R84, 02-R88: refuses %s %s to the read-only token", async (method, path) => {
    await start(both);
    const answer = await call(method, path, "Bearer the-read-token");
    expect(answer.status).toBe(403);
    expect(answer.headers.get("www-authenticate")).toBeNull();
    expect(answer.body).toMatchObject({ domain: "auth", code: "insufficient_access" });
  });

  it("tells an admin that a route is unknown", async () => {
    await start(both);
    expect((await call("GET", "/v1/unknown", "Bearer the-admin-token")).status).toBe(404);
    expect((await call("GET", "/v1/unknown")).status).toBe(401);
  });

  it("serves probes without a token, and the document only with one", async () => {
    await start(both);
    expect(await call("GET", "/healthz", "nonsense")).toMatchObject({ status: 200, body: "ok\n" });
    expect((await call("GET", "/readyz")).status).toBe(200);
    expect((await call("GET", "/v1/openapi.json")).status).toBe(401);
    expect((await call("GET", "/v1/openapi.json", "Bearer the-read-token")).status).toBe(200);
  });

  it("refuses before it reads the body", async () => {
    await start(both);
    const response = await fetch(`${server.baseUrl}/v1/sessions/s1/runs`, { method: "POST", body: "{" });
    expect(response.status).toBe(401);
  });
});

describe("token files", () => {
  const files = { mode: "auto", adminTokenFile: "/run/admin", readOnlyTokenFile: "/run/read" } as const;

  it("02-R87: a rotation holds from the next request", async () => {
    await start(files);
    server.files.set("/run/admin", "first\n");
    expect((await write("Bearer first")).status).toBe(200);
    server.files.set("/run/admin", "second\n");
    expect((await write("Bearer first")).status).toBe(401);
    expect((await write("Bearer second")).status).toBe(200);
  });

  it("02-R87: an unreadable or empty file disables its role and nothing else", async () => {
    await start(files);
    server.files.set("/run/read", "reader");
    expect((await write("Bearer anything")).body.code).toBe("invalid_token");
    expect((await read("Bearer reader")).status).toBe(200);
    server.files.set("/run/admin", " \n");
    expect((await write("Bearer ")).body.code).toBe("malformed_token");
    expect((await read("Bearer reader")).status).toBe(200);
  });

  it("02-R86: equal effective tokens refuse everybody until they differ", async () => {
    await start({ mode: "auto", adminToken: "same", readOnlyTokenFile: "/run/read" });
    server.files.set("/run/read", " same\n");
    expect((await write("Bearer same")).body.code).toBe("invalid_token");
    expect((await read("Bearer same")).body.code).toBe("invalid_token");
    expect(server.log.filter(({ level }) => level === "error")).toMatchObject([
      { message: expect.stringContaining("every token is refused") },
    ]);
    server.files.set("/run/read", "other");
    expect((await write("Bearer same")).status).toBe(200);
  });

  it("shows in status what is loaded and what is not", async () => {
    await start(files);
    server.files.set("/run/admin", "first");
    const status = await controlPlaneStatus({
      bind: { host: "127.0.0.1", port: server.port },
      baseUrl: server.baseUrl,
      auth: files,
      cors: { allowedOrigins: ["http://localhost:3000"] },
      readFile: async (path) => {
        const content = server.files.get(path);
        if (content === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
        return content;
      },
    });
    expect(status).toEqual({
      base_url: server.baseUrl,
      bind_addr: `127.0.0.1:${server.port}`,
      bind_is_loopback: true,
      bind_is_unspecified: false,
      auth_enabled: true,
      read_only_token_enabled: true,
      auth_effective_admin_token_available: true,
      auth_effective_read_only_token_available: false,
      auth_token_file_count: 2,
      auth_token_file_error_count: 1,
      auth_duplicate_token: false,
      auth_token_files: [
        { role: "admin", path: "/run/admin", readable: true, token_loaded: true },
        {
          role: "read_only",
          path: "/run/read",
          readable: false,
          token_loaded: false,
          error: "the file cannot be read (ENOENT)",
        },
      ],
      cors_policy: "exact",
      cors_allowed_origin_count: 1,
      externally_exposed_without_auth: false,
    });
  });
});

describe("02-R89: failure limiter", () => {
  async function fail(times: number, authorization = "Bearer wrong") {
    for (let attempt = 0; attempt < times; attempt++) await read(authorization);
  }

  it("answers 429 after 60 failures in a minute, and announces it once", async () => {
    await start(both);
    await fail(59);
    expect((await read("Bearer wrong")).status).toBe(401);
    const limited = await read("Bearer wrong");
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("60");
    expect(limited.body).toMatchObject({ domain: "auth", code: "rate_limited", title: "Too Many Requests" });
    await fail(5);
    const events = server.securityEvents.map((event) => event.event);
    expect(events.filter((event) => event === "auth_failure")).toHaveLength(60);
    expect(events.filter((event) => event === "auth_rate_limited")).toHaveLength(1);
  });

  it("never limits a correct token", async () => {
    await start(both);
    await fail(70);
    expect((await read("Bearer the-read-token")).status).toBe(200);
  });

  it("counts each reason for itself and starts anew after a minute", async () => {
    await start(both);
    await fail(61);
    expect((await read()).body.code).toBe("missing_token");
    await server.clock.advance(59_999);
    expect((await read("Bearer wrong")).status).toBe(429);
    await server.clock.advance(1);
    expect((await read("Bearer wrong")).status).toBe(401);
  });

  it("audits who was refused what, and never a token or a query", async () => {
    await start(both);
    await call("GET", "/v1/sessions/s1?token=s3cret", "Bearer s3cret");
    expect(server.securityEvents).toEqual([
      {
        timestamp_ms: server.clock.now(),
        event: "auth_failure",
        method: "GET",
        path: "/v1/sessions/s1",
        reason: "invalid_token",
        remote_addr: "127.0.0.1",
        required_access: "read_only",
      },
    ]);
    expect(JSON.stringify(server.log)).not.toContain("s3cret");
  });
});
