import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type RunningDaemon, serve } from "../../src/main.ts";
import { Client } from "../http/support/client.ts";

let directory: string;
let daemon: RunningDaemon | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-debug-key-"));
  await mkdir(join(directory, "workspace"));
});
afterEach(async () => {
  await daemon?.stop("test over");
  daemon = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function start(env: Record<string, string>): Promise<Client> {
  const running = await serve(
    {
      bind: { host: "127.0.0.1", port: 0 },
      stateRoot: join(directory, "state"),
      workspaceRoot: join(directory, "workspace"),
      store: "sqlite",
      noSimulator: false,
      approvalTimeoutMs: 0,
      httpAuthMode: "none",
      corsAllowOrigins: [],
      eventHistoryCapacity: 2048,
      logFormat: "json",
      logLevel: "error",
      disableScheduler: false,
    },
    env,
  );
  daemon = running;
  return new Client(() => running.baseUrl);
}

const GOOD = Buffer.alloc(32, 7);

test.each([
  {},
  { KHEISH_DEBUG_CAPTURE_KEY: GOOD.toString("base64") },
  { KHEISH_DEBUG_CAPTURE_KEY: GOOD.toString("base64url") },
  { KHEISH_DEBUG_CAPTURE_KEY: GOOD.toString("hex") },
  { KHEISH_DEBUG_CAPTURE_KEY: "k".repeat(32) },
])("02-R95 with %j every level can be set", async (env: Record<string, string>) => {
  const api = await start(env);
  for (const level of ["on", "redacted", "full", "off"] as const) {
    expect(await api.call("setDebugLevel", { body: { level } })).toMatchObject({ debug_level: level });
  }
});

test.each([
  { KHEISH_DEBUG_CAPTURE_KEY: "tooshort-s3cret" },
  { KHEISH_DEBUG_CAPTURE_KEY_FILE: "/nowhere/key" },
  { KHEISH_DEBUG_CAPTURE_KEY: GOOD.toString("hex"), KHEISH_DEBUG_CAPTURE_KEY_FILE: "/nowhere/key" },
])(
  "02-R95 with %j only off can be set, and nothing of the key is told",
  async (env: Record<string, string>) => {
    const api = await start(env);
    for (const level of ["on", "redacted", "full"] as const) {
      const refused = await api.refusal("setDebugLevel", { body: { level } });
      expect(refused).toMatchObject({ status: 400, domain: "runtime", code: "debug_capture_key_invalid" });
      expect(refused.detail).not.toMatch(/s3cret|nowhere|0707/);
    }
    expect((await api.call("getRuntime")).config.revision).toBe(0);
    expect(await api.call("setDebugLevel", { body: { level: "off" } })).toMatchObject({ debug_level: "off" });
    // Every other setting is free to change.
    await api.call("setPermissionMode", { body: { mode: "plan" } });
  },
);

test("02-R95 a mended key file holds from the next change on, also for a rollback", async () => {
  const file = join(directory, "key");
  await writeFile(file, GOOD.toString("hex"));
  const api = await start({ KHEISH_DEBUG_CAPTURE_KEY_FILE: file });
  await api.call("setDebugLevel", { body: { level: "full" } });
  await api.call("setDebugLevel", { body: { level: "off" } });
  await writeFile(file, "broken");
  const refused = { status: 400, code: "debug_capture_key_invalid" };
  expect(await api.refusal("rollbackRuntime", {})).toMatchObject(refused);
  await writeFile(file, GOOD.toString("base64"));
  expect(await api.call("rollbackRuntime")).toMatchObject({ debug_level: "full" });
});
