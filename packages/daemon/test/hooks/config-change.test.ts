import { expect, test } from "vitest";
import { useRigs } from "../support/fixture.ts";
import { deadLetters, HookWorld, hooksAt, setHooks } from "./hook-world.ts";

const createRig = useRigs();

async function guarded(hooks: HookWorld, more = {}) {
  const rig = await createRig([]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks });
  await daemon.call("setDebugLevel", { body: { level: "on" } });
  await setHooks(daemon, hooksAt(["config_change"], more));
  return { rig, daemon };
}

const setMode = { body: { mode: "plan" } };

test("02-R8 03-R47 a hook refuses a change of the settings, and nothing is appended", async () => {
  const hooks = new HookWorld().on("config_change", () => ({ decision: "block", stop_reason: "frozen" }));
  const { daemon } = await guarded(hooks);
  const before = (await daemon.call("listRuntimeRevisions")).json;
  await expect(daemon.call("setPermissionMode", setMode)).rejects.toMatchObject({
    status: 409,
    domain: "runtime",
    code: "runtime_change_blocked",
    message: expect.stringContaining("frozen"),
  });
  await expect(daemon.call("rollbackRuntime", { body: {} })).rejects.toMatchObject({
    code: "runtime_change_blocked",
  });
  expect((await daemon.call("listRuntimeRevisions")).json).toEqual(before);
  expect(hooks.calls[0]).toMatchObject({
    subject: "permission_mode",
    payload: {
      setting: "permission_mode",
      source: "runtime_api",
      actor: "test",
      revision: 3,
      changes: [{ setting: "permission_mode", path: "", before: "default", after: "plan" }],
    },
  });
  expect(hooks.calls[1]?.subject).toBe("rollback");
});

test("02-R8 03-R47 skip_hooks gets an operator out who locked the settings, and is recorded", async () => {
  const hooks = new HookWorld().on("config_change", () => ({ decision: "block" }));
  const { daemon } = await guarded(hooks);
  await expect(setHooks(daemon, { hooks: {} })).rejects.toMatchObject({ code: "runtime_change_blocked" });
  const asked = hooks.calls.length;
  await setHooks(daemon, { hooks: {} }, { skip_hooks: true });
  await daemon.call("rollbackRuntime", { body: { skip_hooks: true } });
  await setHooks(daemon, { hooks: {} }, { skip_hooks: true });
  expect(hooks.calls).toHaveLength(asked);
  const { revisions } = (await daemon.call("listRuntimeRevisions")).json as unknown as {
    revisions: { source: string }[];
  };
  expect(revisions.slice(0, 4).map(({ source }) => source)).toEqual([
    "runtime_api_force",
    "runtime_api_force",
    "runtime_api_force",
    "runtime_api",
  ]);
  expect((await daemon.call("setPermissionMode", setMode)).status).toBe(200);
});

test("02-R4 reads do not wait for a hook that thinks about a change", async () => {
  const thinking = Promise.withResolvers<object>();
  const hooks = new HookWorld().on("config_change", () => thinking.promise as never);
  const { daemon } = await guarded(hooks);
  const change = daemon.call("setPermissionMode", setMode);
  expect((await daemon.call("getRuntime")).json).toMatchObject({ permission_mode: "default" });
  thinking.resolve({});
  expect((await change).json).toMatchObject({ permission_mode: "plan" });
});

test("03-R52 a hook that fails closed refuses the change and is in the dead letters; open lets it pass", async () => {
  const hooks = new HookWorld().on("config_change", () => {
    throw new Error("down");
  });
  const { daemon } = await guarded(hooks, { failure_policy: { mode: "closed", max_retries: 0 } });
  await expect(daemon.call("setPermissionMode", setMode)).rejects.toMatchObject({
    message: expect.stringContaining("hook 'guard' failed after 1 attempt"),
  });
  expect(await deadLetters(daemon)).toMatchObject([{ event: "config_change", failure_mode: "closed" }]);
  await setHooks(daemon, hooksAt(["config_change"]), { skip_hooks: true });
  expect((await daemon.call("setPermissionMode", setMode)).status).toBe(200);
  expect(await deadLetters(daemon)).toHaveLength(2);
});

test("02-R17 a hook is told that another hook's body changed, not into what", async () => {
  const hooks = new HookWorld();
  const { daemon } = await guarded(hooks);
  const secret = { name: "x", executor: { type: "command", command: "echo s3cret" } };
  await setHooks(daemon, { hooks: { stop: [secret] } });
  expect(hooks.calls).toHaveLength(1);
  expect(JSON.stringify(hooks.calls)).not.toContain("s3cret");
});
