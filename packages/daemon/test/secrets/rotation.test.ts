import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CreatedToken } from "@kheish/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ChatProvider } from "../support/chat-provider.ts";
import { ServedDaemon } from "../support/served.ts";

const SLOT = "local.prod";
const ROUNDS = 6;
const SESSIONS = 4;
const masterKey = (n: number) => Buffer.alloc(32, 40 + n).toString("base64");

const provider = new ChatProvider();
let daemon: ServedDaemon;
beforeEach(() => provider.start());
afterEach(async () => {
  await daemon.remove();
  await provider.stop();
});

/** Replaces a token as an operator does: in one step. */
async function replace(file: string, token: string): Promise<void> {
  await writeFile(`${file}.new`, token, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function ask(token: string, method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${daemon.baseUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

test("issue 5: every kind of secret is rotated under load, no run fails, and what was replaced is dead", async () => {
  daemon = await ServedDaemon.start({ store: "sqlite" });
  const files = { admin: join(daemon.directory, "admin"), readOnly: join(daemon.directory, "read-only") };
  await replace(files.admin, "admin-token-0");
  await replace(files.readOnly, "read-only-token-0");
  const env = { KHEISH_AUTH_STORE_MASTER_KEY: masterKey(0) };
  const auth = {
    adminTokenFile: files.admin,
    readonlyTokenFile: files.readOnly,
    httpAuthMode: "bearer",
  } as const;
  await daemon.restart({ env, ...auth });
  const put = (token: string, value: string) =>
    ask(token, "POST", "/v1/runtime/secrets", {
      slot_id: SLOT,
      provider: "generic",
      mode: "opaque_secret",
      state: { value },
    });
  expect((await put("admin-token-0", "provider-key-0")).status).toBe(200);
  const routes = `default_route = "local"\n${provider.route("local", SLOT)}`;
  await daemon.restart({ routes });

  const named: CreatedToken[] = [];
  const create = async (admin: string) => {
    const body = {
      name: `loader-${named.length}`,
      verbs: ["read", "write"],
      resources: ["sessions", "runs"],
    };
    const answer = await ask(admin, "POST", "/v1/runtime/tokens", body);
    expect(answer.status).toBe(201);
    named.push((await answer.json()) as CreatedToken);
  };
  await create("admin-token-0");
  for (let n = 0; n < SESSIONS; n++)
    await ask("admin-token-0", "POST", "/v1/sessions", { session_id: `s${n}` });

  let isOver = false;
  const load = Array.from({ length: SESSIONS }, async (_, n) => {
    let runs = 0;
    for (; !isOver; runs++) {
      // Whoever holds the token that was revoked just now takes the next one.
      const answer = await ask(named.at(-1)?.secret ?? "", "POST", `/v1/sessions/s${n}/input`, {
        content: "go",
      });
      if (answer.status === 401) continue;
      // Answered when its run is over, and with another status when that failed.
      expect(answer.status, await answer.text()).toBe(200);
    }
    return runs;
  });

  for (let n = 1; n <= ROUNDS; n++) {
    const admin = `admin-token-${n}`;
    await replace(files.admin, admin);
    await replace(files.readOnly, `read-only-token-${n}`);
    expect((await ask(admin, "GET", "/v1/runtime/secrets")).status).toBe(200);
    expect((await ask(`read-only-token-${n}`, "GET", "/v1/status")).status).toBe(200);
    for (const old of [`admin-token-${n - 1}`, `read-only-token-${n - 1}`])
      expect((await ask(old, "GET", "/v1/status")).status).toBe(401);

    expect((await put(admin, `provider-key-${n}`)).status).toBe(200);
    const rekey = await ask(admin, "POST", "/v1/runtime/secrets/rekey", { new_key: masterKey(n) });
    expect(rekey.status).toBe(200);
    await create(admin);
    const before = named.at(-2);
    const path = `/v1/runtime/tokens/${before?.token_id}`;
    expect((await ask(admin, "DELETE", path)).status).toBe(200);
    expect((await ask(before?.secret ?? "", "GET", "/v1/runs")).status).toBe(401);

    // Every session has used the new key before the next round.
    const from = provider.keys.length;
    while (provider.keys.slice(from).filter((key) => key === `provider-key-${n}`).length < SESSIONS)
      await new Promise((resolve) => setImmediate(resolve));
    expect(provider.keys.slice(from + SESSIONS)).not.toContain(`provider-key-${n - 1}`);
  }
  isOver = true;
  const runs = await Promise.all(load);
  expect(Math.min(...runs)).toBeGreaterThanOrEqual(ROUNDS);

  await daemon.restart({ env: { KHEISH_AUTH_STORE_MASTER_KEY: masterKey(ROUNDS) } });
  const last = `admin-token-${ROUNDS}`;
  const answer = await ask(last, "POST", "/v1/sessions/s0/input", { content: "go" });
  expect(answer.status, await answer.text()).toBe(200);
  expect(provider.keys.at(-1)).toBe(`provider-key-${ROUNDS}`);
  await daemon.stop();
  await expect(daemon.start({ env })).rejects.toThrow(/master key/);
});
