import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openOfflineSecrets } from "../src/offline.ts";
import { Client } from "./http/support/client.ts";
import { ServedDaemon } from "./support/served.ts";

/** `up` as far as it is more than `serve` (08, `up`): the flags are the CLI's and tried there. */
const UP = { store: "sqlite", allowEmptyRoutes: true, createMasterKey: true } as const;
const GIVEN = "m".repeat(32);

let daemon: ServedDaemon;
afterEach(() => daemon.remove());

const api = new Client(() => daemon.baseUrl);
const keyFile = () => join(daemon.directory, "state", "auth-store-master.key");
const keep = (slot_id: string) =>
  api.call("putSecret", {
    body: { slot_id, provider: "generic", mode: "opaque_secret", state: { value: "not-a-real-key" } },
  });
const kept = async () => (await api.call("listSecrets")).map(({ slot_id }) => slot_id);

test("08 up makes a master key for its user alone, once, and every later start uses it", async () => {
  daemon = await ServedDaemon.start(UP);
  const key = await readFile(keyFile(), "utf8");
  expect((await stat(keyFile())).mode & 0o777).toBe(0o600);
  expect(Buffer.from(key, "base64")).toHaveLength(32);
  await keep("tools.first");
  await daemon.restart(UP);
  expect(await readFile(keyFile(), "utf8")).toBe(key);
  await daemon.restart({ createMasterKey: false });
  await keep("tools.second");
  expect(await kept()).toEqual(["tools.first", "tools.second"]);
  await daemon.stop();
  const place = { stateRoot: join(daemon.directory, "state"), store: "sqlite", access: "read" } as const;
  const offline = await openOfflineSecrets(place, {});
  expect((await offline.get("tools.first"))?.slot_id).toBe("tools.first");
  await offline.close();
});

test("08 up keeps to the key that it was given, and makes none beside it", async () => {
  daemon = await ServedDaemon.start({ ...UP, env: { KHEISH_AUTH_STORE_MASTER_KEY: GIVEN } });
  await keep("tools.first");
  await expect(stat(keyFile())).rejects.toMatchObject({ code: "ENOENT" });

  // Secrets under a key that is not there now are not locked away behind a new one.
  await expect(daemon.restart({ env: {} })).rejects.toThrow(/no master key/);
  await expect(stat(keyFile())).rejects.toMatchObject({ code: "ENOENT" });
  await daemon.restart({ env: { KHEISH_AUTH_STORE_MASTER_KEY: GIVEN } });
  await keep("tools.first");
});

test("08 a key file that holds no key keeps the daemon from starting, and says why", async () => {
  daemon = await ServedDaemon.start(UP);
  await daemon.stop();
  await writeFile(keyFile(), "short");
  await expect(daemon.start()).rejects.toThrow(/auth-store-master\.key must hold 32 bytes/);
});
