import { describe, expect, it } from "vitest";
import { SimulatedClock } from "../../../kernel/clock.ts";
import { ServeConfigError } from "../config-error.ts";
import { requestRaw, startTestServer } from "../test-support.ts";
import { type AuthSettings, checkAuthSettings } from "./auth-settings.ts";
import { baseUrlOf, isLoopbackHost } from "./bind-address.ts";
import { corsPolicy } from "./cors-policy.ts";
import { FailureLimiter } from "./failure-limiter.ts";

const loopback = { host: "127.0.0.1", port: 4000 };
const world = { host: "0.0.0.0", port: 4000 };
const check = (bind: typeof loopback, settings: AuthSettings) => () => checkAuthSettings(bind, settings);

describe("checkAuthSettings", () => {
  it.each<[string, typeof loopback, AuthSettings]>([
    ["auto on loopback without a token", loopback, { mode: "auto" }],
    ["none on loopback", loopback, { mode: "none" }],
    ["auto elsewhere with an admin token", world, { mode: "auto", adminToken: "a" }],
    ["bearer with a token file", world, { mode: "bearer", adminTokenFile: "/a", readOnlyTokenFile: "/b" }],
  ])("02-R83: accepts %s", (_what, bind, settings) => {
    expect(check(bind, settings)).not.toThrow();
  });

  it.each<[string, string, typeof loopback, AuthSettings]>([
    ["02-R83", "auto elsewhere without a token", world, { mode: "auto" }],
    ["02-R83", "none elsewhere", world, { mode: "none", adminToken: "a" }],
    ["02-R83", "bearer without a token", loopback, { mode: "bearer" }],
    ["02-R83", "a read-only token alone", loopback, { mode: "auto", readOnlyToken: "r" }],
    ["02-R86", "equal inline tokens", loopback, { mode: "auto", adminToken: "t", readOnlyToken: " t " }],
    [
      "02-R86",
      "equal paths",
      loopback,
      { mode: "auto", adminTokenFile: "/x/t", readOnlyTokenFile: "/x/y/../t" },
    ],
    ["02", "a role with two sources", loopback, { mode: "auto", adminToken: "a", adminTokenFile: "/a" }],
    ["02", "an empty token", loopback, { mode: "auto", adminToken: "  " }],
  ])("%s: refuses %s", (_rule, _what, bind, settings) => {
    expect(check(bind, settings)).toThrow(ServeConfigError);
  });

  it("02-R83: is enforced by the server itself, before it listens", async () => {
    await expect(startTestServer({ bind: { host: "0.0.0.0", port: 0 } })).rejects.toThrow(ServeConfigError);
  });
});

describe("bind addresses", () => {
  it.each(["localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1", "LOCALHOST"])(
    "%s is loopback",
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each(["0.0.0.0", "::", "", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "127.1"])(
    "'%s' is not loopback",
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );

  it.each([
    ["0.0.0.0", "http://127.0.0.1:4000"],
    ["::", "http://[::1]:4000"],
    ["::1", "http://[::1]:4000"],
    ["10.0.0.1", "http://10.0.0.1:4000"],
  ])("a client of %s uses %s", (host, url) => {
    expect(baseUrlOf(host, 4000)).toBe(url);
  });
});

describe("02-R90: cors settings", () => {
  it.each([
    "*",
    "https://example.com",
    "http://localhost:3000/",
    "http://localhost:3000/app",
    "http://user@localhost",
  ])("refuses the entry %s", (origin) => {
    expect(() => corsPolicy({ allowedOrigins: [origin] })).toThrow(ServeConfigError);
  });
});

describe("02-W20: hosted origins", () => {
  const hosted = (origin: string) => () => corsPolicy({ allowedOrigins: [], hostedOrigins: [origin] });

  it.each(["https://console.example.com", "https://console.example.com:8443", "https://[2001:db8::1]"])(
    "takes %s, and then nothing else",
    (origin) => {
      const policy = hosted(origin)();
      expect(policy).toMatchObject({ name: "exact", originCount: 1 });
      expect(policy.allows(origin)).toBe(true);
      expect(policy.allows("http://localhost:3000")).toBe(false);
      expect(policy.allows(`${origin}.evil.example`)).toBe(false);
    },
  );

  it.each([
    "*",
    "null",
    "https://*.example.com",
    "http://console.example.com",
    "https://console.example.com/",
    "https://console.example.com:443",
    "https://Console.example.com",
    "https://user@console.example.com",
    "https://localhost:3000",
    "console.example.com",
  ])("refuses %s", (origin) => {
    expect(hosted(origin)).toThrow(ServeConfigError);
  });

  it("stands beside loopback origins that are named", () => {
    const both = {
      allowedOrigins: ["http://localhost:3000"],
      hostedOrigins: ["https://console.example.com"],
    };
    const policy = corsPolicy(both);
    for (const origin of ["http://localhost:3000", "https://console.example.com"])
      expect(policy.allows(origin)).toBe(true);
    expect(policy.allows("http://localhost:3001")).toBe(false);
  });

  it("needs auth: a page elsewhere must not become the operator", async () => {
    const cors = { allowedOrigins: [], hostedOrigins: ["https://console.example.com"] };
    await expect(startTestServer({ cors })).rejects.toThrow(ServeConfigError);
    const server = await startTestServer({ cors, auth: { mode: "bearer", adminToken: "t" } });
    const asked = await requestRaw(server, "OPTIONS /v1/status", {
      origin: "https://console.example.com",
      "access-control-request-method": "GET",
    });
    expect(asked.headers.get("access-control-allow-origin")).toBe("https://console.example.com");
    await server.close();
  });
});

describe("02-R89: FailureLimiter", () => {
  it("forgets the longest-known key rather than grow", () => {
    const limiter = new FailureLimiter(new SimulatedClock());
    for (let failure = 0; failure < 61; failure++) limiter.fail("first");
    expect(limiter.fail("first")).toBe("limited");
    for (let key = 0; key < 4096; key++) limiter.fail(`key ${key}`);
    expect(limiter.fail("first")).toBe("counted");
  });
});
