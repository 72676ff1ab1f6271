import { type AuthSlotRecord, accountOf, type CodexAccount, type McpOAuthAccount } from "@kheish/contract";
import { expect } from "vitest";
import { Accounts } from "../../src/governance/accounts/accounts.ts";
import { unaudited } from "../../src/governance/audit/testing.ts";
import { keyNumber, random } from "../../src/governance/secrets/vault.fixture.ts";
import { Vault } from "../../src/governance/secrets/vault.ts";
import { type Clock, systemClock } from "../../src/kernel/clock.ts";
import type { Log } from "../../src/kernel/log.ts";
import type { Store } from "../../src/kernel/store.ts";
import {
  type AuthorizationServer,
  type IssuedTokens,
  SCOPES,
  TEST_CLIENT,
} from "../support/authorization-server.ts";

export const SLOT = "mcp.oauth.tracker";
export const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export interface Daemon {
  vault: Vault;
  accounts: Accounts;
  /** Every secret that a redactor would have heard of. */
  heard: string[];
}

/** What one daemon has of accounts; several may stand on one store. */
export async function accountsOn(
  store: Store,
  owner: string,
  clock: Clock,
  fetch: typeof globalThis.fetch = globalThis.fetch,
): Promise<Daemon> {
  const heard: string[] = [];
  const vault = new Vault(
    { store, audit: unaudited(store), clock, random, masterKey: keyNumber(1) },
    (_slot, secrets) => heard.push(...secrets),
  );
  await vault.start();
  return { vault, heard, accounts: new Accounts({ store, vault, clock, fetch, log: SILENT, owner }) };
}

/** The token that a call would get now, or why it gets none. */
export async function use({ vault, accounts }: Daemon): Promise<string | undefined> {
  const slot = await vault.open(SLOT);
  if (slot === undefined) throw new Error("there is no slot");
  const fresh = await accounts.fresh(slot);
  return fresh.ok ? accountOf(fresh.slot.record.state)?.access_token : fresh.code;
}

/** Twenty calls at once, by two daemons on one store, need a token that is over: one refresh is made, for all. */
export async function refreshesOnce(
  server: AuthorizationServer,
  [first, second]: [Store, Store],
): Promise<void> {
  const one = await accountsOn(first, "daemon-1", systemClock);
  const other = await accountsOn(second, "daemon-2", systemClock);
  const tokens = await server.logIn();
  await one.vault.put(mcpAccount(server, tokens, { expires_at_ms: systemClock.now() }), { actor: "test" });
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => use(n % 2 === 0 ? one : other)));
  expect(new Set(all).size).toBe(1);
  expect(all).not.toContain(tokens.access_token);
  expect(server.requests.map(({ status }) => status)).toEqual([200]);
  expect([await use(one), await use(other)]).toEqual([all[0], all[0]]);
}

/** The slot of an account as a login would have written it. */
export function mcpAccount(
  server: AuthorizationServer,
  tokens: IssuedTokens,
  more: Partial<McpOAuthAccount> = {},
): AuthSlotRecord {
  const state: McpOAuthAccount = {
    kind: "mcp_o_auth_account",
    server_name: "tracker",
    resource: server.resource,
    issuer: server.issuer,
    authorization_endpoint: `${server.issuer}/auth`,
    token_endpoint: server.tokenEndpoint,
    revocation_endpoint: `${server.issuer}/token/revocation`,
    client_id: TEST_CLIENT,
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    scopes: SCOPES,
    ...more,
  };
  return { slot_id: SLOT, provider: "mcp_oauth", mode: "oauth_account", state };
}

/** An account that a route can use; its provider is the authorization server, its models are wherever the route says. */
export function codexAccount(
  server: AuthorizationServer,
  tokens: IssuedTokens,
  more: Partial<CodexAccount> = {},
): CodexAccount {
  return {
    kind: "codex_account",
    codex_auth_path: "auth.json",
    issuer: server.issuer,
    client_id: TEST_CLIENT,
    api_base_url: `${server.issuer}/codex`,
    access_token: tokens.access_token,
    refresh_token: tokens.refresh_token,
    ...more,
  };
}
