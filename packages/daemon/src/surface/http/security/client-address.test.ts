import { afterEach, describe, expect, it } from "vitest";
import { ServeConfigError } from "../config-error.ts";
import { requestRaw, startTestServer, type TestServer } from "../test-support.ts";
import { TrustedProxies } from "./client-address.ts";

describe("02-W21 the client's address", () => {
  const proxies = new TrustedProxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"]);

  it.each([
    ["nobody is in between", "203.0.113.9", undefined, "203.0.113.9"],
    ["a stranger says who it is", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["a proxy says who it saw", "127.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["a client wrote something before the proxy did", "127.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"],
    ["proxies stand in a row", "127.0.0.1", "198.51.100.1, 10.0.0.7,10.1.2.3", "198.51.100.1"],
    ["everybody is a proxy", "127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"],
    ["a proxy says nothing", "127.0.0.1", undefined, "127.0.0.1"],
    ["a proxy says nothing readable", "127.0.0.1", "unknown", "127.0.0.1"],
    ["what is not readable stands further left", "127.0.0.1", "junk, 10.0.0.1", "10.0.0.1"],
    ["a proxy adds the port", "127.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
    ["IPv6 with port and brackets", "127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"],
    ["IPv6 throughout", "fd00::1", "2001:db8::1", "2001:db8::1"],
    ["a dual-stack socket", "::ffff:127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
    ["an address with a zone", "127.0.0.1", "fe80::1%eth0", "127.0.0.1"],
    ["more than any row of proxies", "127.0.0.1", `198.51.100.1${",10.0.0.1".repeat(99)}`, "10.0.0.1"],
    ["no address at all", undefined, "198.51.100.1", undefined],
  ])("%s", (_what, peer, forwarded, expected) => {
    expect(proxies.clientAddress(peer, forwarded)).toBe(expected);
  });

  it.each(["", "proxy.example", "10.0.0.0/33", "fd00::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/8/8"])(
    "refuses '%s' as a trusted proxy",
    (range) => {
      expect(() => new TrustedProxies([range])).toThrow(ServeConfigError);
    },
  );
});

describe("02-W21, 02-R89 the failure limiter behind a proxy", () => {
  let server: TestServer;
  afterEach(() => server.close());
  const fail = (forwarded: string) =>
    requestRaw(server, "GET /v1/status", { authorization: "Bearer wrong", "x-forwarded-for": forwarded });
  const start = async (trustedProxies: string[]) => {
    server = await startTestServer({ auth: { mode: "bearer", adminToken: "t" }, trustedProxies });
  };

  it("tells clients apart, and the audit names them", async () => {
    await start(["127.0.0.0/8"]);
    for (let attempt = 0; attempt < 61; attempt++) await fail("198.51.100.1");
    expect((await fail("198.51.100.1")).status).toBe(429);
    expect((await fail("198.51.100.2")).status).toBe(401);
    expect(server.securityEvents.at(-1)).toMatchObject({ remote_addr: "198.51.100.2" });
  });

  it("believes nobody who is not trusted: a client cannot shed its failures", async () => {
    await start([]);
    for (let attempt = 0; attempt < 61; attempt++) await fail(`198.51.100.${attempt}`);
    expect((await fail("203.0.113.1")).status).toBe(429);
    expect(server.securityEvents[0]).toMatchObject({ remote_addr: "127.0.0.1" });
  });

  it("takes an IPv6 network for one client: it has addresses without number", async () => {
    await start(["127.0.0.0/8"]);
    for (let attempt = 0; attempt < 61; attempt++) await fail(`2001:db8:0:7::${attempt.toString(16)}`);
    expect((await fail("2001:db8:0:7:ffff:1:2:3")).status).toBe(429);
    expect((await fail("2001:db8:0:8::1")).status).toBe(401);
  });
});
