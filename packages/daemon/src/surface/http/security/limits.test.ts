import { afterEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../features/binding.ts";
import { SimulatedClock } from "../../../kernel/clock.ts";
import type { HttpOptions } from "../index.ts";
import { StreamPlaces } from "../sse/stream-places.ts";
import { echo, requestRaw, sendRaw, startTestServer, type TestServer } from "../test-support.ts";
import { RequestLimiter } from "./request-limiter.ts";

let server: TestServer | undefined;
afterEach(() => server?.close());
async function start(options: Partial<HttpOptions>): Promise<TestServer> {
  server = await startTestServer(options);
  return server;
}

const OPERATOR: Principal = { id: "admin-token", access: "admin" };
const READER: Principal = { id: "read-token", access: "read" };
const named = (name: string, expiresAtMs?: number): Principal => ({
  id: `token:${name}`,
  access: "token",
  grant: {
    tokenId: `tok_${name}`,
    verbs: ["read"],
    resources: ["*"],
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  },
});

describe("02-W21 requests of valid callers", () => {
  const auth = { mode: "bearer", adminToken: "a", readOnlyToken: "r" } as const;
  const call = (on: TestServer, token: string) =>
    requestRaw(on, "GET /v1/sessions/s1", { authorization: `Bearer ${token}` });

  it("are not limited unless the operator says so", async () => {
    const on = await start({ auth, bindings: [echo("getSession")] });
    const answers = await Promise.all(Array.from({ length: 300 }, () => call(on, "a")));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  it("are limited each for itself, and told when to come back", async () => {
    const on = await start({ auth, bindings: [echo("getSession")], requestsPerMinute: 6 });
    for (let request = 0; request < 6; request++) expect((await call(on, "r")).status).toBe(200);
    const limited = await call(on, "r");
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("10");
    expect(limited.body).toMatchObject({ domain: "api", code: "too_many_requests" });
    expect((await call(on, "a")).status).toBe(200);
    await on.clock.advance(9_999);
    expect((await call(on, "r")).status).toBe(429);
    await on.clock.advance(1);
    expect((await call(on, "r")).status).toBe(200);
    expect((await call(on, "r")).status).toBe(429);
    // It is no failure of theirs: the audit says nothing.
    expect(on.securityEvents).toEqual([]);
  });

  it("never limit probes", async () => {
    const on = await start({ requestsPerMinute: 1 });
    for (let request = 0; request < 5; request++)
      expect((await requestRaw(on, "GET /healthz")).status).toBe(200);
  });

  it("survive a clock that is set back", () => {
    let time = 1_000_000;
    const clock = { now: () => time, schedule: () => ({ cancel: () => undefined }) };
    const limiter = new RequestLimiter(clock, 60);
    for (let request = 0; request < 60; request++) limiter.spend(READER, undefined);
    time = 0;
    expect(() => limiter.spend(READER, undefined)).toThrow(/wait 1 s/);
    time = 1_000;
    expect(() => limiter.spend(READER, undefined)).not.toThrow();
  });
});

describe("02-W21 places for streams", () => {
  const places = (total: number, perPrincipal: number, clock = new SimulatedClock()) =>
    new StreamPlaces({ total, perPrincipal }, clock);
  const refusal = (code: string) => expect.objectContaining({ domain: "api", code });

  it("one principal has its share, and another still has its own", () => {
    const all = places(10, 2);
    const [first] = [all.take(READER), all.take(READER)];
    expect(() => all.take(READER)).toThrow(refusal("too_many_streams_of_caller"));
    all.take(named("ci"));
    first?.leave();
    expect(() => all.take(READER)).not.toThrow();
  });

  it("the operator may have them all, and nobody locks him out", () => {
    const all = places(4, 2);
    for (const principal of [READER, READER, OPERATOR, OPERATOR]) all.take(principal);
    expect(() => all.take(OPERATOR)).toThrow(refusal("too_many_streams"));
  });

  it("a full daemon answers 503 with the time to wait, a full share 429", async () => {
    const taken = named("ci");
    const all = places(1, 1);
    all.take(taken);
    for (const [principal, status] of [
      [taken, 429],
      [OPERATOR, 503],
    ] as const) {
      const expected = { status, extras: { headers: { "retry-after": "1" } } };
      expect(() => all.take(principal)).toThrow(expect.objectContaining(expected));
    }
  });

  it("02-A7 a stream ends with the token that opened it", async () => {
    const clock = new SimulatedClock();
    const all = places(9, 9, clock);
    const [expiring, revoked, other] = [
      all.take(named("brief", clock.now() + 60_000)),
      all.take(named("ci")),
      all.take(OPERATOR),
    ];
    await clock.advance(59_999);
    expect(expiring.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(expiring.signal.aborted).toBe(true);
    all.revoke("tok_ci");
    expect(revoked.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
    // Admitted just before the revocation, opened just after.
    expect(() => all.take(named("ci"))).toThrow(expect.objectContaining({ code: "invalid_token" }));
  });
});

describe("02-W21 sizes", () => {
  const bodyOf = (bytes: number) => `{"reason":"${"x".repeat(bytes - '{"reason":""}'.length)}"}`;
  const post = (on: TestServer, path: string, body: string) =>
    fetch(on.baseUrl + path, { method: "POST", headers: { "content-type": "application/json" }, body });

  it("a body that holds no files is at most one mebibyte", async () => {
    const on = await start({ bindings: [echo("endSession"), echo("submitRun")] });
    const most = 1024 * 1024;
    expect((await post(on, "/v1/sessions/s/end", bodyOf(most))).status).toBe(200);
    const refused = await post(on, "/v1/sessions/s/end", bodyOf(most + 1));
    expect(refused.status).toBe(413);
    expect(await refused.json()).toMatchObject({ domain: "api", code: "payload_too_large" });
    const submission = JSON.stringify({ content: "x".repeat(2 * most) });
    expect((await post(on, "/v1/sessions/s/runs", submission)).status).toBe(200);
  });

  it("the operator's bound holds for all of them", async () => {
    const on = await start({ bindings: [echo("endSession")], bodyLimitBytes: 100 });
    expect((await post(on, "/v1/sessions/s/end", bodyOf(100))).status).toBe(200);
    expect((await post(on, "/v1/sessions/s/end", bodyOf(101))).status).toBe(413);
  });

  it("a head larger than 16 KiB is headers_too_large", async () => {
    const on = await start({});
    const ask = (bytes: number) =>
      sendRaw(
        on,
        `GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: ${"x".repeat(bytes)}\r\n\r\n`,
      );
    expect(await ask(15 * 1024)).toMatch(/^HTTP\/1.1 200 /);
    const refused = await ask(17 * 1024);
    expect(refused).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
    expect(refused).toContain('"code":"headers_too_large"');
  });
});
