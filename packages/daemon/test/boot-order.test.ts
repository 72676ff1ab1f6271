import { afterEach, beforeEach, expect, test } from "vitest";
import { apiKey } from "./http/secrets.ts";
import { Fixture } from "./http/support/fixture.ts";
import { script } from "./http/support/script.ts";
import { ServedDaemon } from "./support/served.ts";

const KEY = { KHEISH_AUTH_STORE_MASTER_KEY: "0123456789abcdef0123456789abcdef" };
const OTHER_KEY = { KHEISH_AUTH_STORE_MASTER_KEY: "fedcba9876543210fedcba9876543210" };
const BROKEN_ROUTES = "default_route = 7\n";

let daemon: ServedDaemon;
beforeEach(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite", env: KEY });
});
afterEach(async () => {
  await daemon.remove();
});

test("02-R96 the lock comes first, then the auth store, then the routes file", async () => {
  const fixture = new Fixture(() => daemon);
  await fixture.api.call("putSecret", apiKey("a.slot", "a-secret-value"));
  const everythingWrong = { env: OTHER_KEY, routes: BROKEN_ROUTES };
  await expect(daemon.start(everythingWrong)).rejects.toThrow(/in use by process/);
  await daemon.stop();
  await expect(daemon.start(everythingWrong)).rejects.toThrow(/master key/);
  await expect(daemon.start({ routes: BROKEN_ROUTES })).rejects.toThrow(/routes/);
  await daemon.start();
  expect(await fixture.api.call("listSecrets")).toMatchObject([{ slot_id: "a.slot" }]);
});

test("02-R96 settings are restored and runs go on before anybody is answered", async () => {
  const fixture = new Fixture(() => daemon);
  await fixture.api.call("setPermissionMode", { body: { mode: "plan" } });
  const run = await fixture.begin(script({ text: "done", delay_ms: 60_000 }));
  await fixture.reaches(run.run_id, "running");
  await daemon.restart();
  expect((await fixture.api.call("getRuntime")).permission_mode).toBe("plan");
  expect(await fixture.api.call("getRun", { params: { run_id: run.run_id } })).toMatchObject({
    status: "running",
  });
  await fixture.cancel(run.run_id);
});
