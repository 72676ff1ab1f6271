import { afterEach, beforeEach, expect, test } from "vitest";
import { Accounts } from "../../src/governance/accounts/accounts.ts";
import { mcpToken } from "../../src/governance/accounts/mcp-token.ts";
import { unaudited } from "../../src/governance/audit/testing.ts";
import { keyNumber, openAiSlot, random, useVaults } from "../../src/governance/secrets/vault.fixture.ts";
import { Vault } from "../../src/governance/secrets/vault.ts";
import { SimulatedClock } from "../../src/kernel/clock.ts";
import type { TokenNeed } from "../../src/tools/mcp/index.ts";
import { AuthorizationServer } from "../support/authorization-server.ts";
import { mcpAccount, SILENT } from "./support.ts";

const BY = { actor: "test" };
const HOUR = 3_600_000;
const vaults = useVaults();

let server: AuthorizationServer;
let clock: SimulatedClock;
let vault: Vault;
let ask: (more?: Partial<TokenNeed>) => ReturnType<typeof mcpToken>;
beforeEach(async () => {
  server = new AuthorizationServer();
  await server.start();
  clock = new SimulatedClock();
  const { store } = await vaults.store();
  vault = new Vault({ store, audit: unaudited(store), clock, random, masterKey: keyNumber(1) });
  await vault.start();
  const accounts = new Accounts({ store, vault, clock, fetch, log: SILENT, owner: "daemon-1" });
  await vault.put(mcpAccount(server, await server.logIn(), { expires_at_ms: clock.now() + HOUR }), BY);
  const need = { slot_id: "mcp.oauth.tracker", server: "tracker", scopes: ["tools:read"] };
  ask = (more = {}) => mcpToken(vault, accounts, { ...need, resource: `${server.resource}/`, ...more });
});
afterEach(() => server.stop());

test("02-R62 a call gets the token of the account that covers it, and a fresh one when that is due", async () => {
  const first = await ask();
  await clock.advance(HOUR);
  const second = await ask();
  expect([first, second]).toMatchObject([{ ok: true }, { ok: true }]);
  expect(server.refreshes()).toHaveLength(1);
  expect(second).not.toEqual(first);
});

test.each<[string, Partial<TokenNeed>, string, string]>([
  ["another server", { server: "other" }, "revoked", "is of server 'tracker'"],
  [
    "another resource",
    { resource: "https://other.example/mcp" },
    "revoked",
    "not for https://other.example/mcp",
  ],
  [
    "a scope that was never granted",
    { scopes: ["tools:read", "admin"] },
    "revoked",
    "without the scopes admin",
  ],
  ["a slot that is not there", { slot_id: "mcp.oauth.none" }, "missing", "does not exist"],
  ["a slot with something else in it", { slot_id: "a-key" }, "missing", "holds no MCP account"],
])("02-R62 %s gets none", async (_name, need, reason, sentence) => {
  await vault.put(openAiSlot("a-key", "the-key-itself"), BY);
  expect(await ask(need)).toEqual({
    ok: false,
    reason,
    message: expect.stringContaining(sentence),
    needsLogin: true,
  });
});

test("02-R62 each call asks anew: a slot that was disabled gives none, and is not refreshed either", async () => {
  expect(await ask()).toMatchObject({ ok: true });
  await vault.disable("mcp.oauth.tracker", "a suspicion", BY);
  await clock.advance(HOUR);
  expect(await ask()).toMatchObject({ ok: false, reason: "revoked" });
  expect(server.requests).toEqual([]);
});
