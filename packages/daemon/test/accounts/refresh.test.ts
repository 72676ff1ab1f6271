import { type AuthSlotRecord, accountOf, type McpOAuthAccount } from "@kheish/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keyNumber, useVaults } from "../../src/governance/secrets/vault.fixture.ts";
import { type Clock, SimulatedClock, systemClock } from "../../src/kernel/clock.ts";
import { openSqliteStore } from "../../src/kernel/sqlite/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { AuthorizationServer, type IssuedTokens } from "../support/authorization-server.ts";
import { until } from "../support/wait.ts";
import { accountsOn, type Daemon, mcpAccount, refreshesOnce, SLOT, use } from "./support.ts";

const HOUR = 3_600_000;
const vaults = useVaults();

let server: AuthorizationServer;
let clock: SimulatedClock;
let tokens: IssuedTokens;
beforeEach(async () => {
  server = new AuthorizationServer();
  await server.start();
  clock = new SimulatedClock();
  tokens = await server.logIn();
});
afterEach(() => server.stop());

/** A daemon whose time is the test's own. */
const daemonOn = (store: Store, owner = "daemon-1", time: Clock = clock) => accountsOn(store, owner, time);

async function account({ vault }: Daemon): Promise<McpOAuthAccount> {
  const state = (await vault.open(SLOT))?.record.state;
  const found = state && accountOf(state);
  if (found?.kind !== "mcp_o_auth_account") throw new Error("there is no account");
  return found;
}

const put = ({ vault }: Daemon, record: AuthSlotRecord) => vault.put(record, { actor: "test" });
const expiringIn = (ms: number) => ({ expires_at_ms: clock.now() + ms });

describe("a refresh", () => {
  test("02-R57 comes five minutes before the end, replaces both tokens, and says so", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(HOUR)));
    expect(await use(daemon)).toBe(tokens.access_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "ready" });
    await clock.advance(HOUR - 5 * 60_000 - 1);
    expect(await use(daemon)).toBe(tokens.access_token);
    expect(server.refreshes()).toHaveLength(0);
    await clock.advance(1);
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "expiring" });

    const token = await use(daemon);
    expect(token).not.toBe(tokens.access_token);
    const kept = await account(daemon);
    expect(kept).toMatchObject({
      access_token: token,
      last_refresh_at_ms: clock.now(),
      last_refresh_outcome: "ok",
    });
    expect(kept.refresh_token).not.toBe(tokens.refresh_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({
      account_state: "ready",
      details: { expires_at_ms: clock.now() + HOUR, last_refresh_outcome: "ok" },
    });
    // 02-R60: what the tokens are for goes with each refresh.
    expect(server.refreshes()[0]?.params.get("resource")).toBe(server.resource);
    await clock.advance(HOUR);
    expect(await use(daemon)).not.toBe(token);
    expect(server.refreshes()).toHaveLength(2);
  });

  test("02-R57 is one for everybody who needs it at once, also on two daemons with one SQLite store", async () => {
    const { store, path } = await vaults.store();
    const second = await openSqliteStore({ path });
    try {
      await refreshesOnce(server, [store, second]);
    } finally {
      await second.close();
    }
  });

  test("02-R57 by an operator is made at most once in 5 s", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(HOUR)));
    await Promise.all([
      daemon.accounts.force(SLOT, "an operator"),
      daemon.accounts.force(SLOT, "an operator"),
    ]);
    await clock.advance(4_999);
    await daemon.accounts.force(SLOT, "an operator");
    expect(server.requests).toHaveLength(1);
    await clock.advance(1);
    await daemon.accounts.force(SLOT, "an operator");
    expect(server.refreshes()).toHaveLength(2);
  });

  test("02-R57 of one slot does not wait for that of another", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    const other = { ...mcpAccount(server, await server.logIn(), expiringIn(0)), slot_id: "mcp.oauth.other" };
    await put(daemon, other);
    const arrived = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let requests = 0;
    server.intercept = async ({ url }) => {
      if (url !== "/oauth/token" || ++requests > 1) return false;
      arrived.resolve();
      await released.promise;
      return false;
    };
    const first = use(daemon);
    await arrived.promise;
    const slot = await daemon.vault.open("mcp.oauth.other");
    expect(slot && (await daemon.accounts.fresh(slot))).toMatchObject({ ok: true });
    expect(server.refreshes()).toHaveLength(1);
    released.resolve();
    expect(await first).toMatch(/./);
  });

  test("02-R58 that grants a scope nobody has approved is refused, and its tokens are thrown away", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, { ...expiringIn(0), scopes: ["tools:read"] }));
    expect(await use(daemon)).toBe("login_required");
    expect(await account(daemon)).toMatchObject({
      access_token: tokens.access_token,
      last_refresh_outcome: "scope_refused",
    });
    expect(await use(daemon)).toBe("login_required");
    expect(server.requests).toHaveLength(1);
  });

  test("is not hindered by an identity token that nobody could check", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    server.intercept = ({ url }, response) => {
      if (url !== "/oauth/token") return false;
      response.writeHead(200, { "content-type": "application/json" });
      const answer = {
        access_token: "a-new-token",
        token_type: "bearer",
        expires_in: 60,
        id_token: "not.a.token",
      };
      response.end(JSON.stringify(answer));
      return true;
    };
    expect(await use(daemon)).toBe("a-new-token");
    // A short life is not one refresh after the other: only its second half is.
    await clock.advance(29_000);
    expect(await use(daemon)).toBe("a-new-token");
    expect(await account(daemon)).toMatchObject({ refresh_token: tokens.refresh_token });
  });

  test("says the new secrets to the redactor before anybody can use them", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    await use(daemon);
    const { access_token, refresh_token } = await account(daemon);
    expect(daemon.heard).toEqual(expect.arrayContaining([access_token, refresh_token]));
  });
});

describe("the lease of a refresh", () => {
  /** A store that does not answer commits with such an op while `isBroken()`; `lands`: it does them all the same. */
  const silent = (inner: Store, wanted: string, isBroken: () => boolean, lands: boolean) =>
    around(inner, {
      commit: async (ops, options) => {
        if (!isBroken() || !ops.some(({ op }) => op === wanted)) return inner.commit(ops, options);
        if (lands) await inner.commit(ops, options);
        throw new Error("the disk is gone");
      },
    });

  test.each([
    ["release-lease", false],
    ["release-lease", true],
    ["acquire-lease", true],
  ])(
    "A5 is given up, also when the store did not answer %s (done all the same: %s): the others need it",
    async (op, lands) => {
      const { store } = await vaults.store();
      let isBroken = true;
      const daemon = await daemonOn(silent(store, op, () => isBroken, lands));
      await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
      const first = await use(daemon).catch(() => "not now");
      isBroken = false;
      await until("the lease to be given up", async () => {
        await clock.advance(100);
        return (await store.getLease("account-refresh:mcp.oauth.tracker")) === undefined;
      });
      await clock.advance(HOUR);
      // What the other daemon would wait for is renewed for as long as this one lives.
      const other = await daemonOn(store, "daemon-2");
      expect(await use(other)).not.toBe(first);
      expect(await use(daemon)).toBe(await use(other));
    },
  );
});

describe("a provider that gives no tokens", () => {
  test("02-R40 and cannot be asked leaves a token that is still good in use, and is asked again later", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(60_000)));
    server.intercept = ({ url }, response) => {
      if (url !== "/oauth/token") return false;
      response.writeHead(503, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: "a-secret-of-the-provider" }));
      return true;
    };
    expect(await use(daemon)).toBe(tokens.access_token);
    const failed = daemon.vault.status(SLOT);
    expect(failed).toMatchObject({
      account_state: "refresh_failed",
      details: { last_refresh_outcome: "failed:status_503" },
    });
    expect(JSON.stringify(failed)).not.toContain("a-secret-of-the-provider");
    await clock.advance(60_000);
    expect(await use(daemon)).toBe("unavailable");
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "expired" });
    server.intercept = () => false;
    expect(await use(daemon)).toBe("unavailable");
    await clock.advance(5_000);
    expect(await use(daemon)).not.toBe(tokens.access_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "ready" });
  });

  test("02-R57 and has taken them back is not asked again; a new login or an operator's word helps", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(60_000)));
    await server.spend(tokens.refresh_token);
    // Still good: the token at hand outlives its account.
    expect(await use(daemon)).toBe(tokens.access_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "refresh_failed" });
    await clock.advance(60_000);
    expect(await use(daemon)).toBe("login_required");
    expect(daemon.vault.status(SLOT)).toMatchObject({
      account_state: "login_required",
      details: { last_refresh_outcome: "login_required" },
    });
    expect(server.refreshes(400)).toHaveLength(1);
    await daemon.accounts.force(SLOT, "an operator");
    expect(server.refreshes(400)).toHaveLength(2);

    const again = await server.logIn();
    await put(daemon, mcpAccount(server, again, expiringIn(HOUR)));
    expect(await use(daemon)).toBe(again.access_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "ready" });
  });

  test("and has none to give for want of a refresh token needs a new login", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    const { refresh_token: _none, ...state } = mcpAccount(server, tokens, expiringIn(1_000))
      .state as McpOAuthAccount;
    await put(daemon, { ...mcpAccount(server, tokens), state });
    expect(await use(daemon)).toBe(tokens.access_token);
    await clock.advance(1_000);
    expect(await use(daemon)).toBe("login_required");
    expect(daemon.vault.status(SLOT)).toMatchObject({ account_state: "login_required" });
    expect(server.requests).toHaveLength(0);
  });

  test.each([
    [401, { error: { code: "refresh_token_reused" } }, "login_required"],
    [400, { error: { type: "invalid_request_error" } }, "login_required"],
    [403, "<html>blocked by a proxy</html>", "failed:status_403"],
    [404, {}, "failed:status_404"],
    [429, { error: "slow_down" }, "failed:status_429"],
    [200, { error: "nothing of a token" }, "failed:decode"],
  ])("and says so in words of its own: %d %j is %s", async (status, body, outcome) => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    server.intercept = ({ url }, response) => {
      if (url !== "/oauth/token") return false;
      response.writeHead(status, {
        "content-type": typeof body === "string" ? "text/html" : "application/json",
      });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
      return true;
    };
    await use(daemon);
    expect(await account(daemon)).toMatchObject({ last_refresh_outcome: outcome });
    expect((await account(daemon)).refresh_token).toBe(tokens.refresh_token);
  });

  test("and answers too late is given up on", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    const arrived = Promise.withResolvers<void>();
    server.intercept = ({ url }) => {
      if (url !== "/oauth/token") return false;
      arrived.resolve();
      return true;
    };
    const waiting = use(daemon);
    await arrived.promise;
    await clock.advance(15_000);
    expect(await waiting).toBe("unavailable");
    expect(daemon.vault.status(SLOT)).toMatchObject({ details: { last_refresh_outcome: "failed:timeout" } });
  });
});

describe("tokens that replace others", () => {
  /** A store whose commits of refreshed tokens fail while `isBroken()`. */
  const breaking = (inner: Store, isBroken: () => boolean) =>
    around(inner, {
      commit: async (ops, options) => {
        const refreshed = ops.some(
          (op) => op.op === "append" && op.events.some(({ type }) => type === "slot_refreshed"),
        );
        if (refreshed && isBroken()) throw new Error("the disk is gone");
        return inner.commit(ops, options);
      },
    });

  test("02-R57 are kept when the store cannot take them, and written by the next attempt", async () => {
    const { store } = await vaults.store();
    let isBroken = true;
    const daemon = await daemonOn(breaking(store, () => isBroken));
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    await expect(use(daemon)).rejects.toThrow("the disk is gone");
    isBroken = false;
    const token = await use(daemon);
    expect(token).not.toBe(tokens.access_token);
    expect(server.requests).toHaveLength(1);
    await clock.advance(HOUR);
    expect(await use(daemon)).not.toBe(token);
    expect(server.refreshes()).toHaveLength(2);
  });

  test("02-R57 stay where an older state of the login is put again, and give way to another login", async () => {
    const { store } = await vaults.store();
    const daemon = await daemonOn(store);
    const first = mcpAccount(server, tokens, expiringIn(0));
    await put(daemon, first);
    const second = await use(daemon);
    await clock.advance(HOUR);
    const third = await use(daemon);
    for (const older of [first, mcpAccount(server, { ...tokens, access_token: "other" }, expiringIn(0))]) {
      await daemon.vault.disable(SLOT, "a drill", { actor: "test" });
      const { status } = await put(daemon, older);
      expect(status).toMatchObject({ account_state: "ready", details: { last_refresh_outcome: "ok" } });
      expect(status.disabled).toBeUndefined();
      expect([second, await use(daemon)]).toEqual([second, third]);
    }
    const written = (await store.readStream("auth")).filter(({ type }) => type === "slot_written");
    expect(written.map(({ data }) => data)).toMatchObject([
      { slot_id: SLOT },
      { kept_tokens: true },
      { kept_tokens: true },
    ]);
    await clock.advance(HOUR);
    expect(await use(daemon)).not.toBe(third);

    const other = await server.logIn();
    await put(daemon, mcpAccount(server, other, expiringIn(HOUR)));
    expect(await use(daemon)).toBe(other.access_token);
    // Whoever wants the older one, whatever becomes of it, deletes the slot before.
    await daemon.vault.delete(SLOT, { actor: "test" });
    await put(daemon, mcpAccount(server, tokens, expiringIn(HOUR)));
    expect(await use(daemon)).toBe(tokens.access_token);
  });

  test("02-R57 stay also where a daemon puts the older state that has not heard of a new master key", async () => {
    const { store } = await vaults.store();
    const [here, there] = [await daemonOn(store), await daemonOn(store, "daemon-2")];
    const first = mcpAccount(server, tokens, expiringIn(0));
    await put(there, first);
    await use(here);
    await here.vault.rekey(keyNumber(7), { actor: "test" });
    await put(there, first);
    expect((await account(here)).last_refresh_outcome).toBe("ok");
    expect((await account(here)).refresh_token).not.toBe(tokens.refresh_token);
  });

  test("A3 are written without anybody's asking, and dropped when somebody writes the slot anew", async () => {
    const { store } = await vaults.store();
    let isBroken = true;
    const daemon = await daemonOn(breaking(store, () => isBroken));
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    await expect(use(daemon)).rejects.toThrow("the disk is gone");
    await clock.advance(3_000);
    isBroken = false;
    const isWritten = async () => (await account(daemon)).refresh_token !== tokens.refresh_token;
    await until("the tokens to be written", async () => {
      await clock.advance(100);
      return isWritten();
    });
    expect(server.requests).toHaveLength(1);

    isBroken = true;
    await clock.advance(HOUR);
    await expect(use(daemon)).rejects.toThrow("the disk is gone");
    const other = await server.logIn();
    await put(daemon, mcpAccount(server, other, expiringIn(HOUR)));
    isBroken = false;
    await clock.advance(5_000);
    expect(await use(daemon)).toBe(other.access_token);
    expect(server.requests).toHaveLength(2);
    expect(await store.getLease(`account-refresh:${SLOT}`), "A5 nor is their lease kept").toBeUndefined();
  });

  test("02-R57 and are lost in a crash: the spent one is tried, and the slot then says that a login is needed", async () => {
    const { store } = await vaults.store();
    const daemon = await daemonOn(breaking(store, () => true));
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    await expect(use(daemon)).rejects.toThrow("the disk is gone");
    const next = await daemonOn(store);
    expect(await use(next)).toBe("login_required");
    expect(server.requests.map(({ status }) => status)).toEqual([200, 400]);
    expect(next.vault.status(SLOT)).toMatchObject({ account_state: "login_required" });
  });

  test("land although the slot was disabled, enabled or encrypted anew meanwhile, and it stays as it was", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    server.intercept = async ({ url }) => {
      if (url !== "/oauth/token") return false;
      await daemon.vault.rekey(keyNumber(2), { actor: "test" });
      await daemon.vault.disable(SLOT, "a suspicion", { actor: "test" });
      return false;
    };
    await use(daemon);
    expect(await account(daemon)).toMatchObject({ last_refresh_outcome: "ok" });
    expect((await account(daemon)).refresh_token).not.toBe(tokens.refresh_token);
    expect(daemon.vault.status(SLOT)).toMatchObject({ disabled: true, disabled_reason: "a suspicion" });
  });

  test("do not land on an account that somebody has written meanwhile, nor bring back one that is gone", async () => {
    const daemon = await daemonOn((await vaults.store()).store);
    await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
    const other = await server.logIn();
    server.intercept = async ({ url }) => {
      if (url !== "/oauth/token") return false;
      await put(daemon, mcpAccount(server, other, expiringIn(HOUR)));
      return false;
    };
    expect(await use(daemon)).toBe(other.access_token);
    expect(await account(daemon)).not.toHaveProperty("last_refresh_at_ms");

    // Deleted and written again, a slot counts its revisions anew.
    await clock.advance(HOUR);
    server.intercept = () => false;
    const third = await server.logIn();
    server.intercept = async ({ url }) => {
      if (url !== "/oauth/token") return false;
      const { revision } = (await daemon.vault.open(SLOT)) ?? { revision: 0 };
      await daemon.vault.delete(SLOT, { actor: "test" });
      for (let n = 0; n < revision; n++) await put(daemon, mcpAccount(server, third, expiringIn(HOUR)));
      expect((await daemon.vault.open(SLOT))?.revision).toBe(revision);
      return false;
    };
    expect(await use(daemon)).toBe(third.access_token);
    expect((await account(daemon)).refresh_token).toBe(third.refresh_token);

    await clock.advance(HOUR);
    server.intercept = async ({ url }) => {
      if (url === "/oauth/token") await daemon.vault.delete(SLOT, { actor: "test" });
      return false;
    };
    expect(await use(daemon)).toBe("slot_missing");
    expect(await daemon.vault.get(SLOT)).toBeUndefined();
  });
});

test("a copy out of a backup refreshes nothing and gives nothing back, not at an operator's word either", async () => {
  const daemon = await daemonOn((await vaults.store()).store);
  await put(daemon, mcpAccount(server, tokens, expiringIn(1_000)));
  daemon.accounts.holdStill();
  expect(await use(daemon)).toBe(tokens.access_token);
  await clock.advance(1_000);
  expect(await use(daemon)).toBe("unavailable");
  await expect(daemon.accounts.force(SLOT, "an operator")).rejects.toThrow("holds still");
  expect(await daemon.accounts.giveBack(SLOT)).toBe("failed");
  expect(await server.isActive(tokens.refresh_token)).toBe(true);
  expect(server.requests).toEqual([]);
});

test("02, weakness 6: who had it refreshed stands in the journal, and the tokens do not", async () => {
  const { store } = await vaults.store();
  const daemon = await daemonOn(store);
  await put(daemon, mcpAccount(server, tokens, expiringIn(0)));
  await use(daemon);
  await clock.advance(5_000);
  await daemon.accounts.force(SLOT, "admin-token");
  const events = await store.readStream("auth");
  expect(events.filter(({ type }) => type === "slot_refreshed").map(({ data }) => data)).toEqual([
    { slot_id: SLOT, actor: "daemon", outcome: "ok" },
    { slot_id: SLOT, actor: "admin-token", outcome: "ok" },
  ]);
});

test("A1 a daemon that died in the middle of a refresh keeps the others waiting until its lease is over", async () => {
  const { store } = await vaults.store();
  const daemon = await daemonOn(store, "daemon-2", systemClock);
  await put(daemon, mcpAccount(server, tokens, { expires_at_ms: systemClock.now() }));
  const name = `account-refresh:${SLOT}`;
  const nowMs = systemClock.now();
  await store.commit([{ op: "acquire-lease", name, owner: "daemon-1", nowMs, leaseMs: 300 }]);
  expect(await use(daemon)).not.toBe(tokens.access_token);
  expect(systemClock.now() - nowMs).toBeGreaterThanOrEqual(300);
});
