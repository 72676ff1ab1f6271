import { expect, test } from "vitest";
import { accountToken } from "./account-token.ts";
import { UpstreamFailure } from "./connection-port.ts";
import type { AccountToken } from "./credential-port.ts";

const NEED = {
  slot_id: "mcp.oauth.tracker",
  server: "tracker",
  resource: "https://t.example/mcp",
  scopes: [],
};

/** What comes of an answer of the server, for an account that was granted `a:read`. */
async function refusedWith(status: number, challenge: string, more: Partial<AccountToken> = {}) {
  const token = { ok: true, value: "t", scopes: ["a:read"], replacement: async () => "no", ...more };
  const { onRefused } = await accountToken({ accessTokenFor: async () => token as AccountToken }, NEED);
  const answer = new Response(null, { status, headers: { "www-authenticate": challenge } });
  return onRefused(answer).catch((error: Error) => error);
}

test.each([
  ['Bearer error="insufficient_scope", scope="a:write b"', "(a:write, b)", "--scopes a:read,a:write,b'"],
  ["Bearer scope=a:write, error=insufficient_scope", "(a:write)", "--scopes a:read,a:write'"],
  ['Bearer realm="x", error="insufficient_scope"', "was granted: log in", "oauth login tracker'"],
])(
  "03-R62 what a server wants beyond the account is named, with the login that grants it: %s",
  async (challenge, what, how) => {
    const refusal = await refusedWith(403, challenge);
    expect(refusal).toBeInstanceOf(UpstreamFailure);
    expect(String(refusal)).toContain(what);
    expect(String(refusal)).toContain(how);
  },
);

test("03-R62 nothing that a server says gets into a command but plain words", async () => {
  const scopes = "ok $(id) `id` a;b 'c --x a|b é";
  const refusal = String(
    await refusedWith(403, `Bearer error="insufficient_scope", scope="${scopes}"`).catch(String),
  );
  expect(refusal).toContain("--scopes a:read,ok'");
  const many = Array.from({ length: 500 }, (_, index) => `s${index}`).join(" ");
  expect(
    String(await refusedWith(403, `Bearer error="insufficient_scope", scope="${many}"`)).length,
  ).toBeLessThan(500);
});

test("any other refusal of a request is the server's own to explain", async () => {
  expect(await refusedWith(403, "")).toBe("pass");
  expect(await refusedWith(403, 'Bearer error="invalid_token"')).toBe("pass");
});

test.each([
  ["replaced", "again"],
  ["later", "could not be had just now"],
  ["no", "log in again with 'kheish mcp oauth login tracker'"],
] as const)("03-R62 a token that is refused and can be replaced %s", async (replaced, end) => {
  const came = await refusedWith(401, "", { replacement: async () => replaced } as Partial<AccountToken>);
  expect(String(came)).toContain(end);
});

test("a login is asked for only where it helps, and with the slot where that has a name of its own", async () => {
  const none = { ok: false, reason: "revoked", message: "the slot is disabled" } as const;
  const ask = (needsLogin: boolean, need = NEED) =>
    accountToken({ accessTokenFor: async () => ({ ...none, needsLogin }) }, need).catch(String);
  expect(await ask(false)).toBe("UpstreamFailure: the slot is disabled");
  expect(await ask(true, { ...NEED, slot_id: "mcp.oauth.ours" })).toContain(
    "'kheish mcp oauth login tracker --slot mcp.oauth.ours'",
  );
});
