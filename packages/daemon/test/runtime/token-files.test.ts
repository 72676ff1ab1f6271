import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Client } from "../http/support/client.ts";
import { ServedDaemon } from "../support/served.ts";

let directory: string;
let daemon: ServedDaemon;
const as = (token: string) => new Client(() => daemon.baseUrl, { authorization: `Bearer ${token}` });
const file = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kheish-token-files-"));
  await writeFile(file("admin"), "admin-secret\n");
  await writeFile(file("reader"), "reader-secret\n");
  daemon = await ServedDaemon.start({
    store: "sqlite",
    httpAuthMode: "bearer",
    adminTokenFile: file("admin"),
    readonlyTokenFile: file("reader"),
  });
});
afterAll(async () => {
  await daemon.remove();
  await rm(directory, { recursive: true, force: true });
});

test("02-R99 a token file that goes wrong makes the daemon unhealthy, and well again when it is mended", async () => {
  expect((await as("admin-secret").call("status")).health).toMatchObject({ ok: true, warnings: [] });
  await rm(file("reader"));
  const { health } = await as("admin-secret").call("status");
  expect(health).toMatchObject({
    ok: false,
    warnings: [{ severity: "warning", code: "control_plane_token_file_unreadable" }],
  });
  await writeFile(file("reader"), "reader-secret");
  await writeFile(file("admin"), "");
  const closed = await as("reader-secret").call("status");
  expect(closed.health.ok).toBe(false);
  expect(closed.health.warnings).toMatchObject([
    { severity: "error", code: "control_plane_no_admin_token" },
    { severity: "warning", code: "control_plane_token_file_unreadable" },
  ]);
  await writeFile(file("admin"), "another-secret");
  expect((await as("another-secret").call("status")).health.ok).toBe(true);
});
