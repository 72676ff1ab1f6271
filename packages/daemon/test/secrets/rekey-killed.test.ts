import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test, vi } from "vitest";
import { openOfflineSecrets } from "../../src/offline.ts";
import { DaemonProcess } from "../../src/surface/cli/demo/daemon-process.ts";
import { processContext } from "../../src/surface/cli/process-context.ts";
import { get, later, place, scratch, stopsAt } from "../support/operator.ts";

const SLOTS = 1_000;
const OLD = Buffer.alloc(32, 1).toString("base64");
const NEW = Buffer.alloc(32, 2).toString("base64");
const WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 20;

interface Status {
  storage: { auth_store: { key_id: string; awaits_new_key: boolean } };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

/** How many slots are under each key. */
function keysIn(stateRoot: string): number[] {
  const db = new DatabaseSync(join(stateRoot, "kheish.db"), { readOnly: true });
  try {
    const slots = db.prepare("SELECT data FROM records WHERE kind = 'auth_slot'").all() as { data: string }[];
    const ids = slots.map(({ data }) => (JSON.parse(data) as { sealed: { key_id: string } }).sealed.key_id);
    return [...Map.groupBy(ids, (id) => id).values()].map((group) => group.length);
  } finally {
    db.close();
  }
}

test(
  "02, weakness 8: SIGKILL in the middle of a change of the master key; the next start finishes it, with either key",
  async () => {
    const directory = await scratch();
    const at = await place(directory);
    const { stateRoot } = at;
    const env = { KHEISH_AUTH_STORE_MASTER_KEY: OLD };
    const secrets = await openOfflineSecrets({ stateRoot, store: "sqlite", access: "write" }, env);
    await Promise.all(
      Array.from({ length: SLOTS }, (_, n) => {
        const state = { value: `value-${n}` };
        return secrets.put({ slot_id: `slot.${n}`, provider: "generic", mode: "opaque_secret", state });
      }),
    );
    await secrets.close();

    const halting = join(directory, "halting");
    const { clock } = processContext();
    vi.stubEnv("NODE_OPTIONS", `--import "${stopsAt(halting)}"`);
    vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", OLD);
    const daemon = await DaemonProcess.start(at, clock, []);
    later(() => daemon.kill());
    vi.unstubAllEnvs();
    vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", OLD);
    await writeFile(halting, "");
    const rekey = fetch(`${daemon.baseUrl}/v1/runtime/secrets/rekey`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ new_key: NEW }),
    }).catch(() => undefined);
    // Until some slots are under either key. It stands still while it is looked at: what was seen is so when it dies. And
    // it goes on for a moment only by itself, however late whoever looks is.
    for (;;) {
      process.kill(daemon.pid, "SIGSTOP");
      if (keysIn(stateRoot).length === 2) break;
      process.kill(daemon.pid, "SIGCONT");
      await clock.sleep(LOOK_EVERY_MS);
    }
    await daemon.kill();
    expect(await rekey, "nobody was told that it is done").toBeUndefined();

    await daemon.restart();
    expect(keysIn(stateRoot)).toEqual([SLOTS]);
    const { storage } = await get<Status>(daemon, "/v1/status");
    expect(storage.auth_store.awaits_new_key).toBe(true);
    vi.stubEnv("KHEISH_AUTH_STORE_MASTER_KEY", NEW);
    await daemon.kill();
    await daemon.restart();
    const after = await get<Status>(daemon, "/v1/status");
    expect(after.storage.auth_store).toMatchObject({
      awaits_new_key: false,
      key_id: storage.auth_store.key_id,
    });
    expect(await get<unknown[]>(daemon, "/v1/runtime/secrets")).toHaveLength(SLOTS);
    await daemon.kill();
    await expect(openOfflineSecrets({ stateRoot, store: "sqlite", access: "write" }, env)).rejects.toThrow(
      /key/,
    );
  },
  WITHIN_MS,
);
