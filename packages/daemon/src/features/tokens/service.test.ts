import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testLedger } from "../../governance/audit/testing.ts";
import { Redactor } from "../../governance/redaction/redactor.ts";
import { SimulatedClock } from "../../kernel/clock.ts";
import { systemRandom } from "../../kernel/random.ts";
import { openSqliteStore } from "../../kernel/sqlite/index.ts";
import type { Store } from "../../kernel/store.ts";
import type { Actor } from "../binding.ts";
import { TokenService } from "./index.ts";

const ADMIN: Actor = { principal: { id: "admin-token", access: "admin" }, requestId: "req_1" };
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let directory: string;
let store: Store;
let clock: SimulatedClock;
let tokens: TokenService;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-tokens-"));
  store = await openSqliteStore({ path: join(directory, "kheish.db") });
  clock = new SimulatedClock();
  tokens = new TokenService({
    store,
    audit: testLedger(store, clock),
    clock,
    random: systemRandom,
    log: silent,
    redactor: new Redactor(),
  });
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const create = (more: object = {}, actor = ADMIN) =>
  tokens.create({ name: "ci", verbs: ["read", "admin"], resources: ["*"], ...more }, actor);
const usedAt = async () => (await tokens.list())[0]?.last_used_at_ms;
/** The use of a token is noted behind its request's back; the next commit comes after it. */
const noted = () => store.commit([{ op: "append", stream: "test", events: [] }]);

describe("02-A7 resources", () => {
  it("a token for what does not exist is refused, by the place and with what there is", async () => {
    await expect(create({ resources: ["sessions/a", "session/ci-*"] })).rejects.toMatchObject({
      code: "request_body_invalid",
      extras: {
        errors: [
          { path: "/resources/1", message: expect.stringMatching(/no resource 'session'; .*sessions/) },
        ],
      },
    });
    expect(await tokens.list()).toEqual([]);
    for (const [index, resource] of ["*", "s*s/x", "metrics", "runtime/tokens"].entries())
      await create({ name: `t${index}`, resources: [resource] });
  });
});

describe("02-A7 time", () => {
  it("a token is good until its last millisecond, and then says why it is not", async () => {
    const { secret } = await create({ expires_in_ms: 60_000 });
    await clock.advance(59_999);
    expect(await tokens.authenticate(secret)).toMatchObject({ name: "ci" });
    await clock.advance(1);
    expect(await tokens.authenticate(secret)).toBe("expired");
    // Whoever does not know the secret learns nothing.
    expect(await tokens.authenticate(`${secret.slice(0, -1)}g`)).toBeUndefined();
    expect(await tokens.authenticate(secret.slice(0, -64) + "0".repeat(64))).toBeUndefined();
  });

  it("a thousand uses in a minute are one write, and none is later than a minute", async () => {
    const { secret } = await create();
    const before = clock.now();
    for (let use = 0; use < 1_000; use++) await tokens.authenticate(secret);
    await noted();
    expect(await usedAt()).toBe(before);
    expect((await store.get("access_token_use", (await tokens.list())[0]?.token_id ?? ""))?.revision).toBe(1);
    await clock.advance(59_999);
    await tokens.authenticate(secret);
    await noted();
    expect(await usedAt()).toBe(before);
    await clock.advance(1);
    await tokens.authenticate(secret);
    await noted();
    expect(await usedAt()).toBe(before + 60_000);
  });
});

describe("02-A7 a creator that ends meanwhile", () => {
  it("leaves no child behind", async () => {
    const parent = await create();
    const grant = await tokens.authenticate(parent.secret);
    if (grant === undefined || grant === "expired") throw new Error("the token is not good");
    await tokens.revoke(parent.token_id, ADMIN);
    const actor: Actor = { principal: { id: "token:ci", access: "token", grant }, requestId: "req_2" };
    const child = create({ name: "child" }, actor);
    await expect(child).rejects.toMatchObject({ domain: "auth", code: "invalid_token" });
    expect(await tokens.list()).toEqual([]);
  });

  it("and a child that was first goes with it, whatever the order of a hundred races", async () => {
    for (let race = 0; race < 100; race++) {
      const parent = await create();
      const grant = await tokens.authenticate(parent.secret);
      if (grant === undefined || grant === "expired") throw new Error("the token is not good");
      const actor: Actor = { principal: { id: "token:ci", access: "token", grant }, requestId: "req_2" };
      await Promise.allSettled([
        create({ name: "child" }, actor),
        tokens.revoke(parent.token_id, ADMIN),
        create({ name: "twin" }, actor),
      ]);
      expect(await tokens.list()).toEqual([]);
    }
  });
});

describe("02-A7 a revocation that has looked for children", () => {
  it("looks again when one comes before its commit", async () => {
    const parent = await create();
    const grant = await tokens.authenticate(parent.secret);
    if (grant === undefined || grant === "expired") throw new Error("the token is not good");
    const actor: Actor = { principal: { id: "token:ci", access: "token", grant }, requestId: "req_2" };
    let child: Promise<unknown> | undefined;
    const late = new Proxy(store, {
      get(target, member) {
        const value = Reflect.get(target, member) as unknown;
        if (typeof value !== "function") return value;
        if (member !== "commit") return value.bind(target);
        return async (...args: Parameters<Store["commit"]>) => {
          child ??= create({ name: "child" }, actor);
          await child;
          return target.commit(...args);
        };
      },
    });
    const revoking = new TokenService({
      store: late,
      audit: testLedger(late, clock),
      clock,
      random: systemRandom,
      log: silent,
      redactor: new Redactor(),
    });
    const { revoked } = await revoking.revoke(parent.token_id, ADMIN);
    expect(revoked).toHaveLength(2);
    expect(await tokens.list()).toEqual([]);
  });

  it("and of ten children that are created at once all are there", async () => {
    const parent = await create();
    const grant = await tokens.authenticate(parent.secret);
    if (grant === undefined || grant === "expired") throw new Error("the token is not good");
    const actor: Actor = { principal: { id: "token:ci", access: "token", grant }, requestId: "req_2" };
    await Promise.all(Array.from({ length: 10 }, (_, n) => create({ name: `child-${n}` }, actor)));
    expect(await tokens.list()).toHaveLength(11);
  });
});

describe("02-W6 the journal", () => {
  it("has who made and who revoked a token with which request, and nothing that could be used", async () => {
    const { token_id, secret } = await create({ verbs: ["read"] });
    await tokens.revoke(token_id, { ...ADMIN, requestId: "req_2" });
    const events = await store.readStream("access_tokens");
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      [
        "token_created",
        {
          ...{ token_id, name: "ci", verbs: ["read"], resources: ["*"] },
          ...{ created_by: "admin-token", request_id: "req_1" },
        },
      ],
      ["token_revoked", { token_id, name: "ci", revoked_by: "admin-token", request_id: "req_2" }],
    ]);
    expect(JSON.stringify(events)).not.toContain(secret.slice(-64));
  });

  it("tells whoever listens of a revocation, and of nothing else", async () => {
    const heard: string[] = [];
    tokens.onRevoked((tokenId) => heard.push(tokenId));
    const { token_id } = await create();
    await tokens.revoke(token_id, ADMIN);
    for (const event of await store.readStream("access_tokens")) tokens.heard(event);
    expect(heard).toEqual([token_id]);
  });
});

it("02-A7 there are a thousand tokens at most", async () => {
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(Array.from({ length: 100 }, (_, index) => create({ name: `t${batch}-${index}` })));
  await expect(create()).rejects.toMatchObject({ status: 409, code: "token_limit_reached" });
});
