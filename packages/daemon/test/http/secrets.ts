import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChatProvider } from "../support/chat-provider.ts";
import { type Fixture, type OpenStore, useDaemon } from "./support/fixture.ts";
import { at } from "./support/params.ts";

const MASTER_KEY = "0123456789abcdef0123456789abcdef";
export const withMasterKey = { KHEISH_AUTH_STORE_MASTER_KEY: MASTER_KEY };
const slot = (ref: string) => ({ params: { ref } });
const bySlot = (slotId: string) => ({ params: { slot: slotId } });
const subject = (session_id: string) => ({ params: { subject_id: `session:${session_id}` } });

export const apiKey = (slot_id: string, api_key: string) => ({
  body: {
    slot_id,
    provider: "open_ai" as const,
    mode: "api_key" as const,
    state: { kind: "api_key", api_key },
    updated_at_ms: 0,
  },
});

/** Slots as operators see them. */
export function secrets(openStore: OpenStore): void {
  const fixture = useDaemon(openStore, { env: withMasterKey });
  const { api } = fixture;

  test("02-R47 slots are written, listed in order, read and deleted, and no answer holds a value", async () => {
    const written = await api.call("putSecret", apiKey("b.prod", "value-number-one"));
    await api.call("putSecret", {
      body: { slot_id: "a", provider: "generic", mode: "opaque_secret", state: { value: " v " } },
    });
    expect(written).toMatchObject({
      slot_id: "b.prod",
      provider: "open_ai",
      mode: "api_key",
      summary: "api_key",
    });
    expect(written.updated_at_ms).toBeGreaterThan(0);
    const all = await api.call("listSecrets");
    expect(all.map(({ slot_id }) => slot_id)).toEqual(["a", "b.prod"]);
    expect(await api.call("getSecret", slot("b.prod"))).toEqual(written);
    expect(JSON.stringify([written, all])).not.toContain("value-number-one");
    expect(await api.call("deleteSecret", slot("b.prod"))).toEqual({ accepted: true });
    for (const endpoint of ["getSecret", "deleteSecret"] as const) {
      expect(await api.refusal(endpoint, slot("b.prod"))).toMatchObject({
        status: 404,
        code: "secret_not_found",
      });
    }
  });

  test("the old spellings of provider and mode are read, and the new ones are shown", async () => {
    const state = {
      kind: "mcp_o_auth_account",
      server_name: "tracker",
      resource: "https://t.example/mcp",
      issuer: "https://a.example",
      authorization_endpoint: "https://a.example/authorize",
      token_endpoint: "https://a.example/token",
      client_id: "c",
      client_secret: null,
      access_token: "secret-access-token",
      scopes: ["read"],
    };
    const body = {
      slot_id: "mcp.oauth.tracker",
      provider: "mcp_o_auth",
      mode: "o_auth_account",
      state,
    } as const;
    const status = await api.call("putSecret", { body });
    expect(status).toMatchObject({
      provider: "mcp_oauth",
      mode: "oauth_account",
      summary: "mcp_oauth_account:tracker",
      details: { server_name: "tracker", client_id: "c", scopes: ["read"] },
    });
    expect(JSON.stringify(status)).not.toContain("secret-access-token");
  });

  test.each<[string, object, string]>([
    [
      "02-R54 a blank value",
      { provider: "generic", mode: "opaque_secret", state: { value: " \n" } },
      "/state/value",
    ],
    ["02-R52 a provider's key in a connector's slot", { slot_id: "connectors.x" }, "/provider"],
    [
      "02-R52 an MCP account outside mcp.*",
      { provider: "mcp_oauth", mode: "oauth_account", state: {} },
      "/slot_id",
    ],
    ["a mode that the provider does not have", { mode: "opaque_secret", state: { value: "v" } }, "/mode"],
    ["a state of another kind", { state: { value: "the-value-itself" } }, "/state/kind"],
    ["an unknown member", { state: { kind: "api_key", api_key: "k", more: 1 } }, "/state"],
  ])("%s is refused, and nothing is written", async (_name, changes, path) => {
    const body = { ...apiKey("bad", "the-value-itself").body, ...changes };
    const refusal = await api.refusal("putSecret", { body });
    expect(refusal).toMatchObject({ status: 400, code: "secret_invalid" });
    expect(refusal.errors?.[0]?.path).toBe(path);
    expect(JSON.stringify(refusal)).not.toContain("the-value-itself");
    expect(await api.refusal("getSecret", slot("bad"))).toMatchObject({ status: 404 });
  });

  test("02-A2 a slot is disabled with a reason and enabled again; a write enables it too (02-R51)", async () => {
    await api.call("putSecret", apiKey("c", "some-key-value"));
    expect(await api.refusal("disableSlot", { ...bySlot("c"), body: {} })).toMatchObject({ status: 422 });
    const off = { disabled: true, disabled_reason: "leaked" };
    expect(await api.call("disableSlot", { ...bySlot("c"), body: { reason: "leaked" } })).toMatchObject(off);
    await fixture.daemon.restart();
    expect(await api.call("getSecret", slot("c"))).toMatchObject(off);
    expect(await api.call("enableSlot", bySlot("c"))).not.toHaveProperty("disabled");
    await api.call("disableSlot", { ...bySlot("c"), body: { reason: "again" } });
    expect(await api.call("putSecret", apiKey("c", "some-key-value-2"))).not.toHaveProperty("disabled");
    for (const endpoint of ["enableSlot", "revokeSlotLeases"] as const) {
      expect(await api.refusal(endpoint, bySlot("none"))).toMatchObject({
        status: 404,
        code: "secret_not_found",
      });
    }
  });

  test("02-R67 who is not known cannot be revoked, looked at or reinstated, and neither can an unknown lease", async () => {
    const nobody = { params: { subject_id: "session:nobody" } };
    for (const endpoint of ["getSubject", "revokeSubject"] as const) {
      expect(await api.refusal(endpoint, nobody)).toMatchObject({ status: 404, code: "subject_not_found" });
    }
    const reinstate = { ...nobody, body: { reason: "why not" } };
    expect(await api.refusal("reinstateSubject", reinstate)).toMatchObject({ status: 404 });
    for (const endpoint of ["getLease", "revokeLease"] as const) {
      const unknown = { params: { lease_id: "-opaque" } };
      expect(await api.refusal(endpoint, unknown)).toMatchObject({ status: 404, code: "lease_not_found" });
    }
  });
}

/** Routes that take their key from a slot, against a provider that shows which key it was given. */
export function slotRoutes(openStore: OpenStore): void {
  const provider = new ChatProvider();
  const fixture = useDaemon(openStore, { env: withMasterKey });
  const { api } = fixture;
  beforeAll(async () => {
    await provider.start();
    await api.call("putSecret", apiKey("local.prod", "first-key-value"));
    await fixture.daemon.restart({ routes: provider.route("local", "local.prod") });
  });
  afterAll(() => provider.stop());

  const ask = async (f: Fixture, sessionId: string) => {
    const run = await f.finish(sessionId, "hello");
    return { status: run.status, error: run.error, key: provider.keys.at(-1) };
  };
  const readiness = async () => (await api.call("status")).provider_readiness.routes[0];

  test("02-R26 02-R64 the key comes from the slot at each call: a rotation holds from the next one", async () => {
    const session = await fixture.session();
    expect(await ask(fixture, session)).toEqual({
      status: "completed",
      error: undefined,
      key: "first-key-value",
    });
    await api.call("putSecret", apiKey("local.prod", "second-key-value"));
    expect(await ask(fixture, session)).toMatchObject({ status: "completed", key: "second-key-value" });
  });

  test("02-R40 the readiness of the route shows its slot, and never the key", async () => {
    const row = await readiness();
    expect(row).toMatchObject({
      state: "ok",
      auth_ref: "local.prod",
      auth_mode: "api_key",
      auth_summary: "api_key",
    });
    expect((await api.call("getRuntime")).routes?.[0]).toMatchObject({ auth_ref: "local.prod" });
  });

  test("02-R65 02-R66 a session's leases are seen, end one by one, and the next call gets a new one", async () => {
    const session = await fixture.session();
    await ask(fixture, session);
    const { active_route_lease_ids: [lease_id = ""] = [] } = await api.call("getSubject", subject(session));
    const before = await api.call("getLease", { params: { lease_id } });
    expect(before).toMatchObject({
      active: true,
      revoked: false,
      lease: {
        subject_id: `session:${session}`,
        audience: { type: "route", route_id: "local", slot_id: "local.prod" },
      },
    });
    expect(lease_id).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(before.lease.expires_at_ms - before.lease.issued_at_ms).toBe(60_000);
    expect(await api.call("revokeLease", { params: { lease_id } })).toMatchObject({
      active: false,
      revoked: true,
    });
    expect(await api.call("getSubject", subject(session))).not.toHaveProperty("active_route_lease_ids");
    expect(await ask(fixture, session)).toMatchObject({ status: "completed" });
    expect((await api.call("getSubject", subject(session))).active_route_lease_ids).toHaveLength(1);
  });

  test("02-A3 02-R68 a slot's leases are counted and ended, and the route goes on", async () => {
    const sessions = [await fixture.session(), await fixture.session()];
    await api.call("revokeSlotLeases", bySlot("local.prod"));
    for (const session of sessions) await ask(fixture, session);
    const revoked = await api.call("revokeSlotLeases", {
      ...bySlot("local.prod"),
      body: { reason: "drill" },
    });
    expect(revoked).toEqual({ slot_id: "local.prod", revoked_leases: 2 });
    expect(await api.call("revokeSlotLeases", bySlot("local.prod"))).toMatchObject({ revoked_leases: 0 });
    expect(await ask(fixture, sessions[0] ?? "")).toMatchObject({ status: "completed" });
    expect(await readiness()).toMatchObject({ state: "ok" });
  });

  test("02-R36 02-R40 a disabled slot is seen by readiness and refuses before a run is stored", async () => {
    const session = await fixture.session();
    await api.call("disableSlot", { ...bySlot("local.prod"), body: { reason: "suspicion" } });
    expect(await readiness()).toMatchObject({ state: "error", code: "auth_slot_disabled" });
    const refusal = await fixture.leavesAlone(session, () =>
      api.refusal("submitRun", { ...at(session), body: { content: "hello" } }),
    );
    expect(refusal).toMatchObject({ status: 400, code: "route_not_ready", domain: "routes" });
    expect(refusal.detail).toContain("suspicion");
    await api.call("enableSlot", bySlot("local.prod"));
    expect(await ask(fixture, session)).toMatchObject({ status: "completed" });
  });

  test("02-R67 02-A2 a revoked subject gets no more leases, also after a restart, until it is reinstated", async () => {
    const [revoked, other] = [await fixture.session(), await fixture.session()];
    const before = provider.keys.length;
    const status = await api.call("revokeSubject", {
      ...subject(revoked),
      body: { reason: "odd behaviour" },
    });
    expect(status).toEqual({ subject_id: `session:${revoked}`, current_epoch: 1, revoked: true });
    await fixture.daemon.restart();
    const refused = await ask(fixture, revoked);
    expect(refused.status).toBe("failed");
    expect(refused.error).toContain(`subject 'session:${revoked}' has been revoked`);
    expect(provider.keys.length).toBe(before);
    expect(await ask(fixture, other)).toMatchObject({ status: "completed" });
    const back = await api.call("reinstateSubject", { ...subject(revoked), body: { reason: "was a drill" } });
    expect(back).toMatchObject({ current_epoch: 1, revoked: false });
    expect(await ask(fixture, revoked)).toMatchObject({ status: "completed" });
  });

  test("02-A3 what is revoked while a request is out is not aborted, the next call is refused", async () => {
    const session = await fixture.session();
    const arrived = Promise.withResolvers<void>();
    const revoked = Promise.withResolvers<void>();
    provider.answer = async () => {
      arrived.resolve();
      await revoked.promise;
      return { text: "late" };
    };
    const { run_id } = await fixture.submit(session, "hello");
    await arrived.promise;
    await api.call("revokeSubject", subject(session));
    revoked.resolve();
    expect(await fixture.settles(run_id)).toMatchObject({ status: "completed" });
    provider.answer = () => ({ text: "Ok" });
    expect(await ask(fixture, session)).toMatchObject({ status: "failed" });
  });

  test("02, Errors: a slot that a route takes its key from is not deleted, and the refusal names the route", async () => {
    const refused = await api.refusal("deleteSecret", slot("local.prod"));
    expect(refused).toMatchObject({ status: 409, domain: "runtime", code: "secret_in_use" });
    expect(refused.detail).toContain("route 'local'");
    expect(await readiness()).toMatchObject({ state: "ok" });
  });

  test("02-R36 a slot that belongs to another provider is seen by readiness", async () => {
    const other = { ...apiKey("local.prod", "key-of-another").body, provider: "anthropic" as const };
    await api.call("putSecret", { body: other });
    expect(await readiness()).toMatchObject({ state: "error", code: "auth_slot_provider_mismatch" });
    const session = await fixture.session();
    const refusal = await api.refusal("submitRun", { ...at(session), body: { content: "hello" } });
    expect(refusal).toMatchObject({ code: "route_not_ready" });
    await api.call("putSecret", apiKey("local.prod", "third-key-value"));
    expect(await ask(fixture, session)).toMatchObject({ status: "completed", key: "third-key-value" });
  });

  describe("a change of the master key", () => {
    test("02, weakness 8: under load no call fails, and the new key opens the store at the next start", async () => {
      const names = Array.from({ length: 120 }, (_, n) => `more.${n}`);
      await Promise.all(names.map((name) => api.call("putSecret", apiKey(name, `value-of-${name}`))));
      const sessions = [await fixture.session(), await fixture.session(), await fixture.session()];
      let isOver = false;
      const load = sessions.map(async (session) => {
        let runs = 0;
        for (; !isOver || runs < 3; runs++) {
          const run = await fixture.finish(session, "hello");
          expect(run.status, run.error).toBe("completed");
        }
        return runs;
      });
      const rekeyed = await api.call("rekeySecrets", {
        body: { new_key: "fedcba9876543210fedcba9876543210" },
      });
      expect(rekeyed.reencrypted).toBeGreaterThan(120);
      isOver = true;
      const between = await api.call("status");
      expect(between.storage.auth_store).toEqual({
        writable: true,
        key_id: rekeyed.key_id,
        awaits_new_key: true,
      });
      expect(between.health).toMatchObject({ ok: true, warnings: [{ code: "master_key_unconfirmed" }] });
      expect((await Promise.all(load)).every((runs) => runs >= 3)).toBe(true);
      await fixture.daemon.restart({
        env: { KHEISH_AUTH_STORE_MASTER_KEY: "fedcba9876543210fedcba9876543210" },
      });
      expect(await ask(fixture, sessions[0] ?? "")).toMatchObject({
        status: "completed",
        key: "third-key-value",
      });
      expect((await api.call("status")).storage.auth_store).toMatchObject({ awaits_new_key: false });
    });

    test.each(["", "short"])("02-R49: %j is no key, and nothing changes", async (new_key) => {
      const refusal = await api.refusal("rekeySecrets", { body: { new_key } });
      expect([400, 422]).toContain(refusal.status);
      const again = { new_key: "fedcba9876543210fedcba9876543210" };
      expect(await api.refusal("rekeySecrets", { body: again })).toMatchObject({
        code: "master_key_conflict",
      });
    });
  });
}
