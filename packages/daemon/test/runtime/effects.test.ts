import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { DaemonStatusView, Problem, RuntimeSettingsView } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();

async function view(daemon: RiggedDaemon): Promise<RuntimeSettingsView> {
  return (await daemon.call("getRuntime")).json as unknown as RuntimeSettingsView;
}

async function statusOf(daemon: RiggedDaemon): Promise<DaemonStatusView> {
  return (await daemon.call("status")).json as unknown as DaemonStatusView;
}

function refusal(action: Promise<unknown>): Promise<Problem> {
  return action.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: Problem) => error,
  );
}

describe("the system prompt", () => {
  test("02 SystemPromptSettings reach the next model call, also of a run that is under way", async () => {
    const model = ScriptedModel.of([calls([{ name: "work" }]), says("done"), says("done")]);
    const gate = new Gate();
    const rig = await createRig([testTool("work", { execute: gate.execute })]);
    const daemon = await rig.boot({ models: model });
    const set = (settings: object) => daemon.call("setSystemPrompt", { body: { settings } });
    const session = await TestSession.create(daemon);
    const run = await session.submit("go");
    await until("the tool to begin", () => gate.begun.length === 1);
    await set({ append_prompt: "Mind the gap.", language: "Latin" });
    gate.open();
    await session.settled(run.run_id);
    await set({ override_prompt: "You are a door." });
    await session.settled((await session.submit("again")).run_id);
    const [before = "", between = "", after] = model.requests.map(({ system }) => system);
    expect(before).toContain("You are an agent run by Kheish");
    expect(between).toBe(`${before}\nMind the gap.\nWrite your answers in Latin.`);
    expect(after).toBe("You are a door.");
  });
});

describe("the limits of tool calls", () => {
  test("02-R11 a batch that runs keeps those it began with; the next one has the new ones", async () => {
    const gate = new Gate();
    const model = ScriptedModel.of([
      calls([{ name: "slow" }, { name: "slow" }]),
      calls([{ name: "slow", id: "later" }]),
      says("done"),
    ]);
    const rig = await createRig([testTool("slow", { execute: gate.execute })]);
    const daemon = await rig.boot({ models: model });
    const session = await TestSession.create(daemon);
    const run = await session.submit("go");
    await until("the first call to begin", () => gate.begun.length === 1);
    await daemon.call("setToolLimits", { body: { limits: { max_output_bytes: 4 } } });
    gate.open(succeeded("longer than four"));
    await until("the second call to begin", () => gate.begun.length === 2);
    gate.open(succeeded("longer than four"));
    await until("the call of the next batch to begin", () => gate.begun.length === 3);
    gate.open(succeeded("longer than four"));
    await session.settled(run.run_id);
    expect(await session.outputs()).toMatchObject([
      "longer than four",
      "longer than four",
      { quota: "output_bytes", limit_bytes: 4 },
    ]);
  });
});

describe("what a daemon starts with", () => {
  test("02-A4 a mode given at start wins over the stored one and is a revision; none leaves the stored one", async () => {
    const rig = await createRig([]);
    const first = await rig.boot();
    await first.call("setPermissionMode", { body: { mode: "plan" } });
    await first.stop();
    const second = await rig.boot();
    expect(await view(second)).toMatchObject({ permission_mode: "plan", config: { revision: 1 } });
    await second.stop();
    const third = await rig.boot({ permissionMode: "dontAsk" });
    expect(await view(third)).toMatchObject({ permission_mode: "dontAsk", config: { revision: 2 } });
    const { revisions } = (await third.call("listRuntimeRevisions")).json as { revisions: object[] };
    expect(revisions[0]).toMatchObject({ source: "serve", setting: "permission_mode", actor: "serve" });
    await third.stop();
    const fourth = await rig.boot({ permissionMode: "dontAsk" });
    expect(await view(fourth)).toMatchObject({ config: { revision: 2 } });
  });

  test.each([
    ["an invalid limit", { tool_runtime_limits: { max_parallel_tools: 0 } }, "/tool_runtime_limits"],
    ["an invalid policy", { run_memory_policy: { retention_ms: 0 } }, "/run_memory_policy"],
    ["another revision than its record's", { revision: 7 }, "revision 7"],
    ["revision 0", { revision: 0 }, "/revision"],
  ])("02-R9 %s stops the start and says where", async (_what, broken, where) => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    await daemon.call("setPermissionMode", { body: { mode: "plan" } });
    const stored = await daemon.store.get("runtime_settings", "current");
    const data = { ...(stored?.data as object), ...broken };
    await daemon.store.commit([{ op: "put", kind: "runtime_settings", id: "current", data, keys: {} }]);
    await daemon.stop();
    await expect(rig.boot()).rejects.toThrow(where);
  });

  test("02-R9 a history that does not grow stops the start", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    for (const mode of ["plan", "default", "plan"])
      await daemon.call("setPermissionMode", { body: { mode } });
    const past = await daemon.store.get("runtime_revision", "1");
    const data = { ...(past?.data as object), revision: 3 };
    await daemon.store.commit([
      { op: "put", kind: "runtime_revision", id: "1", data, keys: { revision: [1] } },
    ]);
    await daemon.stop();
    await expect(rig.boot()).rejects.toThrow("revision 2 does not follow");
  });

  test("settings of an earlier version, which kept the mode only, are understood and have no past", async () => {
    const rig = await createRig([]);
    const before = await rig.boot();
    const data = { permission_mode: "acceptEdits", updated_at_ms: 1_600_000_000_000 };
    for (let n = 0; n < 3; n++)
      await before.store.commit([{ op: "put", kind: "runtime_settings", id: "current", data, keys: {} }]);
    await before.stop();
    const daemon = await rig.boot();
    expect(await view(daemon)).toMatchObject({
      permission_mode: "acceptEdits",
      config: { revision: 3, history_len: 0, updated_at_ms: 1_600_000_000_000 },
    });
    await daemon.call("setDebugLevel", { body: { level: "on" } });
    await daemon.call("rollbackRuntime", { body: {} });
    expect(await view(daemon)).toMatchObject({
      permission_mode: "acceptEdits",
      debug_level: "off",
      config: { revision: 5, history_len: 2 },
    });
  });

  test("02-R30 02-R37 a chosen default whose route is gone is told, and no run drifts to another", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    await daemon.call("setModel", { body: { model: "simulator/echo" } });
    const stored = await daemon.store.get("runtime_settings", "current");
    const gone = { route_id: "gone", provider: "openai", model: "gpt-5" };
    await daemon.store.commit([
      {
        op: "put",
        kind: "runtime_settings",
        id: "current",
        data: { ...(stored?.data as object), revision: 2, default_route: gone },
        keys: {},
      },
    ]);
    await daemon.stop();
    const next = await rig.boot();
    const now = await view(next);
    expect(now).toMatchObject({
      provider: null,
      model: null,
      route_diagnostics: [{ severity: "error", code: "active_route_missing", route_id: "gone" }],
    });
    expect(now).not.toHaveProperty("default_route");
    const session = await TestSession.create(next);
    const refused = await refusal(session.submit("hello"));
    expect(refused).toMatchObject({ domain: "routes", code: "route_not_ready" });
    expect(refused.message).toContain("gone");
    expect((await session.submit("hello", { provider: "simulator" })).request.provider).toBe("simulator");
    const { health, provider_readiness } = await statusOf(next);
    expect(provider_readiness.active_route_ready).toBe(false);
    expect(health).toMatchObject({ ok: false, warnings: [{ code: "provider_active_route_not_ready" }] });
    // The way out needs no restart.
    await next.call("setModel", { body: { model: "simulator/script" } });
    expect((await statusOf(next)).health.ok).toBe(true);
  });
});

describe("a change that cannot be kept", () => {
  test("02-R5 is an error, and what was in force stays in force", async () => {
    let full = false;
    const rig = await createRig([]);
    const daemon = await rig.boot({
      wrap: (inner) =>
        around(inner, {
          commit: (ops, options) => {
            const isChange = ops.some((op) => op.op === "put" && op.kind === "runtime_settings");
            return full && isChange ? Promise.reject(new Error("disk full")) : inner.commit(ops, options);
          },
        }),
    });
    await daemon.call("setPermissionMode", { body: { mode: "plan" } });
    const before = await view(daemon);
    full = true;
    await expect(daemon.call("setPermissionMode", { body: { mode: "default" } })).rejects.toThrow(
      "disk full",
    );
    await expect(daemon.call("rollbackRuntime", { body: {} })).rejects.toThrow();
    expect(await view(daemon)).toEqual(before);
    full = false;
    await daemon.call("setPermissionMode", { body: { mode: "dontAsk" } });
    expect(await view(daemon)).toMatchObject({
      permission_mode: "dontAsk",
      config: { revision: before.config.revision + 1 },
    });
  });

  test("02-R4 whoever looks while a change is being kept waits and sees the next revision, whole", async () => {
    const door = Promise.withResolvers<void>();
    let changing = false;
    const rig = await createRig([]);
    const daemon = await rig.boot({
      wrap: (inner) =>
        around(inner, {
          commit: async (ops, options) => {
            if (ops.some((op) => op.op === "put" && op.kind === "runtime_settings")) {
              changing = true;
              await door.promise;
            }
            return inner.commit(ops, options);
          },
        }),
    });
    const session = await TestSession.create(daemon);
    const change = daemon.call("setModel", { body: { model: "simulator/echo" } });
    await until("the change to be written", () => changing);
    const looking = Promise.all([view(daemon), daemon.call("listRuntimeRevisions")]);
    const seen: string[] = [];
    void looking.then(() => seen.push("look"));
    // What is submitted meanwhile is pinned to the revision before, not to a half of the next.
    expect((await session.submit("hello")).request).toMatchObject({ provider: "simulator", model: "script" });
    expect(seen).toEqual([]);
    door.resolve();
    await change;
    const [now, { json }] = await looking;
    expect(now).toMatchObject({ model: "echo", config: { revision: 1 } });
    expect(json.revisions).toMatchObject([{ revision: 1, model: "echo" }]);
    expect((await session.submit("hello")).request).toMatchObject({ model: "echo" });
  });
});

describe("storage and health", () => {
  test("02-R98 a directory that cannot be written to is an error until it can be again", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const { storage, health } = await statusOf(daemon);
    expect(storage).toMatchObject({
      ok: true,
      write_error_count: 0,
      probes: [{ name: "workspace_root", state: "ok", writable: true, code: "storage_writable" }],
    });
    expect(health).toMatchObject({ ok: true, warnings: [] });
    const workspace = join(rig.directory, "workspace");
    await rename(workspace, `${workspace}-away`);
    await rig.clock.advance(5_000);
    const broken = await statusOf(daemon);
    expect(broken.storage).toMatchObject({
      ok: false,
      write_error_count: 1,
      probes: [{ state: "error", writable: false, code: "storage_write_probe_failed" }],
    });
    expect(broken.health).toMatchObject({
      ok: false,
      warnings: [{ severity: "error", code: "storage_write_probe_failed", related_id: "workspace_root" }],
    });
    expect(broken.storage.probes[0]?.message).toContain("ENOENT");
    await rename(`${workspace}-away`, workspace);
    await rig.clock.advance(5_000);
    expect(await statusOf(daemon)).toMatchObject({ storage: { ok: true }, health: { ok: true } });
  });

  test("02-R99 health is false for a warning, too", async () => {
    const rig = await createRig([]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    await session.play([{ delay_ms: 10_000_000, text: "late" }]);
    await session.submit("queued behind it");
    await rig.clock.advance(1_800_001);
    const { health } = await statusOf(daemon);
    expect(health.ok).toBe(false);
    expect(new Set(health.warnings.map(({ severity }) => severity))).toEqual(new Set(["warning"]));
    expect(health.warnings.map(({ code }) => code)).toContain("queued_run_lag");
  });
});

describe("several daemons on one store", () => {
  test("02-R1 see each other's changes, and of two changes from one revision one is made", async () => {
    const rig = await createRig([]);
    const one = await rig.boot({ instanceId: "a" });
    const other = await rig.boot({ instanceId: "b", store: one.store });
    await one.call("setModel", { body: { model: "simulator/echo" } });
    expect(await view(other)).toMatchObject({ model: "echo", config: { revision: 1 } });
    const session = await TestSession.create(other);
    expect((await session.submit("hello")).request.model).toBe("echo");
    const settled = await Promise.allSettled(
      [one, other].map((daemon, index) =>
        daemon.call("setToolLimits", {
          body: { limits: { max_parallel_tools: index + 1 }, expected_revision: 1 },
        }),
      ),
    );
    expect(settled.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const made = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        (n % 2 === 0 ? one : other).call("setToolLimits", {
          body: { limits: { max_parallel_tools: n + 1 } },
        }),
      ),
    );
    const revisions = made.map(({ json }) => (json as unknown as RuntimeSettingsView).config.revision);
    expect(revisions.sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(await view(one)).toEqual(await view(other));
  });
});
