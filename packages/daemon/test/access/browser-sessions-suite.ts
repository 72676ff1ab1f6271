import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { problemIn } from "../http/support/client.ts";
import { EventStream } from "../http/support/stream.ts";
import { ServedDaemon, type ServedOptions } from "../support/served.ts";
import { ADMIN, type GuardedDaemon, READER, useGuarded } from "./support.ts";

const DAY_MS = 86_400_000;

/** What a browser keeps after it has signed in. */
export interface Browser {
  cookie: string;
  key: string;
  /** As the daemon set it. */
  setCookie: string;
}

export async function signIn(
  at: GuardedDaemon,
  token: string,
  headers: Record<string, string> = {},
): Promise<Browser> {
  const reply = await at.as(token).send("POST", "/v1/browser-session", { headers });
  expect(reply.status, reply.text).toBe(201);
  const setCookie = reply.headers.get("set-cookie") ?? "";
  const { key } = JSON.parse(reply.text) as { key: string };
  return { setCookie, cookie: setCookie.split(";")[0] ?? "", key };
}

export const headersOf = ({ cookie, key }: Partial<Browser>, more: Record<string, string> = {}) => ({
  ...(cookie !== undefined && { cookie }),
  ...(key !== undefined && { "x-kheish-browser-session": key }),
  ...more,
});

/** Browsers that sign in, on a store of their own for each daemon. */
export function browserSessionSuite(options: () => Promise<ServedOptions>): void {
  const guarded = useGuarded(options);

  /** `200`, or the code of the refusal. */
  async function outcome(
    browser: Partial<Browser>,
    method = "GET",
    path = "/v1/status",
    more = {},
  ): Promise<string> {
    const response = await fetch(guarded().daemon.baseUrl + path, {
      method,
      headers: headersOf(browser, { "content-type": "application/json", ...more }),
      ...(method === "POST" && { body: "{}" }),
    });
    const reply = { status: response.status, headers: response.headers, text: await response.text() };
    return reply.status < 400 ? String(reply.status) : problemIn(reply, path).code;
  }

  const who = async (browser: Browser) =>
    (await (
      await fetch(`${guarded().daemon.baseUrl}/v1/whoami`, { headers: headersOf(browser) })
    ).json()) as {
      principal: string;
    };

  describe("08 a signed-in operator", () => {
    test("a token is exchanged for a cookie that no script reads and no other site sends, and a key", async () => {
      const { setCookie, key } = await signIn(guarded(), ADMIN);
      expect(key).toMatch(/^[0-9a-f]{16}\.[0-9a-f]{64}$/);
      expect(setCookie).toMatch(
        /^kheish_[0-9a-f]{16}=[0-9a-f]{64}; Path=\/v1; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
      );
      const { host } = new URL(guarded().daemon.baseUrl);
      const secure = await signIn(guarded(), ADMIN, { origin: `https://${host}` });
      expect(secure.setCookie).toMatch(/; Secure$/);
    });

    test("with both, a browser is the token that it was exchanged for, and no more", async () => {
      const admin = await signIn(guarded(), ADMIN);
      expect(await who(admin)).toMatchObject({ principal: "admin-token" });
      expect(await outcome(admin, "POST", "/v1/sessions")).toBe("201");
      const reader = await signIn(guarded(), READER);
      expect(await who(reader)).toMatchObject({ principal: "read-token", verbs: ["read"] });
      expect(await outcome(reader, "POST", "/v1/sessions")).toBe("insufficient_access");
      const { name, secret } = await guarded().token({ verbs: ["read"], resources: ["sessions/a"] });
      const named = await signIn(guarded(), secret);
      expect(await who(named)).toMatchObject({ principal: `token:${name}`, resources: ["sessions/a"] });
      expect(await outcome(named)).toBe("insufficient_access");
    });

    test("what it does is recorded as the token's", async () => {
      const browser = await signIn(
        guarded(),
        (await guarded().token({ name: "ana", verbs: ["write", "read"] })).secret,
      );
      await guarded().admin.call("createSession", { body: { session_id: "anas" } });
      const run = await fetch(`${guarded().daemon.baseUrl}/v1/sessions/anas/runs`, {
        method: "POST",
        headers: headersOf(browser, { "content-type": "application/json" }),
        body: JSON.stringify({ content: "hi" }),
      });
      expect(await run.json()).toMatchObject({ principal: "token:ana" });
    });

    test("the cookie alone, as another server on this machine may get it, is nothing; so is the key alone", async () => {
      const one = await signIn(guarded(), ADMIN);
      const other = await signIn(guarded(), ADMIN);
      expect(await outcome({ cookie: one.cookie })).toBe("missing_token");
      expect(await outcome({ key: one.key })).toBe("missing_token");
      expect(await outcome({ cookie: other.cookie, key: one.key })).toBe("missing_token");
      const forged = `${one.key.slice(0, -1)}${one.key.endsWith("0") ? "1" : "0"}`;
      expect(await outcome({ cookie: one.cookie, key: forged })).toBe("invalid_token");
      // Browsers send a daemon the cookies of others on the same host: the key says which is meant.
      expect(await outcome({ cookie: `${other.cookie}; x=1; ${one.cookie}`, key: one.key })).toBe("200");
    });

    test("a page from elsewhere gets nowhere with both: not by reading, not by writing, not by asking before", async () => {
      const browser = await signIn(guarded(), ADMIN);
      const elsewhere = { origin: "http://localhost:3000" };
      expect(await outcome(browser, "GET", "/v1/status", elsewhere)).toBe("missing_token");
      expect(await outcome(browser, "POST", "/v1/sessions", elsewhere)).toBe("missing_token");
      const asked = await fetch(`${guarded().daemon.baseUrl}/v1/status`, {
        method: "OPTIONS",
        headers: {
          ...elsewhere,
          "access-control-request-method": "GET",
          "access-control-request-headers": "x-kheish-browser-session",
        },
      });
      expect(asked.headers.get("access-control-allow-headers")).not.toContain("browser-session");
      expect(asked.headers.get("access-control-allow-credentials")).toBeNull();
      const own = { origin: guarded().daemon.baseUrl };
      expect(await outcome(browser, "POST", "/v1/sessions", own)).toBe("201");
    });

    test("signing out ends it, for whoever has kept both", async () => {
      const browser = await signIn(guarded(), ADMIN);
      const out = await fetch(`${guarded().daemon.baseUrl}/v1/browser-session`, {
        method: "DELETE",
        headers: headersOf(browser),
      });
      expect(await out.json()).toEqual({ accepted: true });
      expect(out.headers.get("set-cookie")).toMatch(/^kheish_[0-9a-f]{16}=; Path=\/v1; Max-Age=0;/);
      expect(await outcome(browser)).toBe("invalid_token");
      expect(await guarded().outcome(ADMIN, "DELETE", "/v1/browser-session")).toBe("missing_token");
      expect(await outcome(await signIn(guarded(), ADMIN), "POST", "/v1/browser-session")).toBe(
        "missing_token",
      );
    });

    test("revoking its token ends it from the next request on, and its streams", async () => {
      const { secret, token_id } = await guarded().token({});
      const browser = await signIn(guarded(), secret);
      const stream = await EventStream.open(guarded().admin.url("eventsStream"), headersOf(browser));
      await guarded().admin.call("revokeToken", { params: { token_id } });
      expect(await stream.rest()).toEqual([]);
      expect(await outcome(browser)).toBe("invalid_token");
    });

    test("it lasts no longer than its token", async () => {
      const { secret, expires_at_ms } = await guarded().token({ expires_in_ms: DAY_MS });
      const { setCookie } = await signIn(guarded(), secret);
      const [, seconds] = /Max-Age=(\d+)/.exec(setCookie) ?? [];
      expect(Number(seconds) * 1_000).toBeLessThanOrEqual(DAY_MS);
      expect(Number(seconds) * 1_000).toBeGreaterThan(DAY_MS - 60_000);
      expect(expires_at_ms).toBeDefined();
    });
  });

  test("08 a token that is rotated away ends the browsers that it signed in; a restart does not", async () => {
    const scratch = await mkdtemp(join(tmpdir(), "kheish-rotated-"));
    const file = join(scratch, "admin-token");
    await writeFile(file, "first");
    const daemon = await ServedDaemon.start({
      ...(await options()),
      httpAuthMode: "bearer",
      adminTokenFile: file,
    });
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${daemon.baseUrl}/v1/status`, { headers })).status;
    try {
      const answer = await fetch(`${daemon.baseUrl}/v1/browser-session`, {
        method: "POST",
        headers: { authorization: "Bearer first" },
      });
      const { key } = (await answer.json()) as { key: string };
      const headers = headersOf({ key, cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" });
      expect(await status(headers)).toBe(200);
      await daemon.stop();
      await daemon.start();
      expect(await status(headers)).toBe(200);
      await writeFile(file, "second");
      expect(await status(headers)).toBe(401);
    } finally {
      await daemon.remove();
      await rm(scratch, { recursive: true });
    }
  });

  test("08 a daemon that asks nobody who they are signs nobody in", async () => {
    const daemon = await ServedDaemon.start(await options());
    const reply = await fetch(`${daemon.baseUrl}/v1/browser-session`, {
      method: "POST",
      headers: { authorization: "Bearer anything" },
    });
    expect(reply.status).toBe(401);
    expect(reply.headers.get("set-cookie")).toBeNull();
    await daemon.remove();
  });
}
