import type { JsonObject } from "@kheish/contract";
import { describe, expect, test } from "vitest";
import { masterKeyOf } from "../../src/governance/secrets/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { around } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import { TestSession } from "../support/session.ts";
import { succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";
import { deadLetters, HookWorld, hooksAt, setHooks, settleHooks } from "./hook-world.ts";

const createRig = useRigs();
const done: string[] = [];
const work = testTool("work", {
  effect: "once",
  execute: async (_input, { call_id }) => {
    done.push(call_id);
    return succeeded("done");
  },
});
const turn = { tool_calls: [{ name: "work", input: { secret: "s3cret" } }] };
const fails = () => {
  throw new Error("down");
};

async function world(hooks: HookWorld, settings: object) {
  done.length = 0;
  const rig = await createRig([work]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks });
  await setHooks(daemon, settings);
  return { rig, daemon, session: await TestSession.create(daemon) };
}

describe("a hook that cannot be called", () => {
  test("03-A3 03-R52 a guard blocks by default, survives a restart as a dead letter, and is looked after once", async () => {
    const hooks = new HookWorld().on("pre_tool_use", fails);
    const settings = hooksAt(["pre_tool_use"], { failure_policy: { max_retries: 2 } });
    const { rig, daemon, session } = await world(hooks, settings);
    await session.settled((await session.play([turn, { text: "ok" }])).run_id);
    expect(done).toEqual([]);
    expect(await session.outputs()).toEqual([
      { error: "hook 'guard' failed after 3 attempts", hook_blocked: true },
    ]);
    await daemon.stop();

    const again = await rig.boot({ callbacks: hooks.callbacks });
    const [letter, ...others] = await deadLetters(again);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      id: expect.stringMatching(/^hook-dlq-\d+-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{16}$/),
      hook_name: "guard",
      event: "pre_tool_use",
      subject: "work",
      session_id: "s",
      run_id: "run-1",
      target: "callback hook",
      attempt_count: 3,
      failure_mode: "closed",
      contract_version: 1,
      error: "internal: the callback threw Error",
    });
    expect(JSON.stringify(letter)).not.toContain("s3cret");
    const status = async () => (await again.call("status")).json as never as StatusOfHooks;
    expect((await status()).hooks).toMatchObject({
      configured_count: 1,
      dead_lettered_count: 1,
      unresolved_dead_lettered_count: 1,
      last_dead_letter_hook: "guard",
      last_unresolved_dead_letter_hook: "guard",
    });
    expect((await status()).health.warnings.map(({ code }) => code)).toContain("hook_dead_letters");

    const params = { dead_letter_id: String(letter?.id) };
    const resolve = (reason: string) => again.call("resolveHookDeadLetter", { params, body: { reason } });
    expect((await resolve("mended")).json).toMatchObject({ resolution_reason: "mended" });
    expect((await resolve("again")).json, "a second time changes nothing").toMatchObject({
      resolution_reason: "mended",
    });
    expect((await status()).hooks).toMatchObject({
      dead_lettered_count: 1,
      unresolved_dead_lettered_count: 0,
    });
    expect((await status()).health.warnings.map(({ code }) => code)).not.toContain("hook_dead_letters");
    const unknown = again.call("resolveHookDeadLetter", { params: { dead_letter_id: "x" }, body: {} });
    await expect(unknown).rejects.toMatchObject({ code: "hook_dead_letter_not_found" });
  });

  test.each([
    ["pre_tool_use", "open", 1],
    ["post_tool_use", undefined, 1],
  ] as const)("03-A3 %s with mode %s is passed over and leaves a dead letter", async (event, mode, times) => {
    const hooks = new HookWorld().on(event, fails);
    const policy = mode === undefined ? {} : { failure_policy: { mode, max_retries: 0 } };
    const { daemon, session } = await world(hooks, hooksAt([event], policy));
    const run = await session.settled((await session.play([turn, { text: "ok" }])).run_id);
    expect(run.status).toBe("completed");
    expect(done).toHaveLength(times);
    expect(await session.outputs()).toEqual(["done"]);
    expect(await deadLetters(daemon)).toMatchObject([{ event, failure_mode: "open", attempt_count: 1 }]);
  });

  test("03-A3 what is said explicitly wins: an observer of results that must not fail", async () => {
    const hooks = new HookWorld().on("post_tool_use", fails);
    const settings = hooksAt(["post_tool_use"], { failure_policy: { mode: "closed", max_retries: 0 } });
    const { session } = await world(hooks, settings);
    await session.settled((await session.play([turn, { text: "saw {{last_tool_output}}" }])).run_id);
    const answer = (await session.events("message_appended")).at(-1)?.message;
    expect(JSON.stringify(answer)).toContain("hook 'guard' failed after 1 attempt");
  });

  test("03-R51 one budget of time covers all attempts", async () => {
    const hooks = new HookWorld().on("pre_tool_use", () => new Promise<never>(() => undefined));
    const settings = hooksAt(["pre_tool_use"], {
      failure_policy: { max_retries: 3 },
      executor: { type: "callback", name: "hook", timeout_ms: 1_000 },
    });
    const { rig, daemon, session } = await world(hooks, settings);
    const before = rig.clock.now();
    await session.settled((await session.play([turn, { text: "ok" }])).run_id);
    expect(rig.clock.now() - before).toBeLessThan(2_000);
    expect(hooks.calls).toHaveLength(1);
    expect(await deadLetters(daemon)).toMatchObject([{ error: "timeout: it took more than 1000 ms" }]);
  });

  test("03-R49 an answer that is no outcome is not asked for again", async () => {
    const hooks = new HookWorld().on("pre_tool_use", () => ({ contract_version: 2 }));
    const settings = hooksAt(["pre_tool_use"], { failure_policy: { max_retries: 3 } });
    const { daemon, session } = await world(hooks, settings);
    await session.settled((await session.play([turn, { text: "ok" }])).run_id);
    expect(hooks.calls).toHaveLength(1);
    expect(await deadLetters(daemon)).toMatchObject([
      { error: expect.stringContaining("/contract_version") },
    ]);
  });

  test("03-R52 one that only watches leaves a dead letter and holds nobody up", async () => {
    const hooks = new HookWorld().on("notification", fails);
    const rig = await createRig([testTool("bash")]);
    const daemon = await rig.boot({ callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["notification"]));
    const session = await TestSession.create(daemon);
    const { run_id } = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }]);
    expect((await session.settled(run_id)).status).toBe("waiting_for_approval");
    await settleHooks(daemon, () => hooks.calls.length, 1);
    await until("the dead letter", async () => (await deadLetters(daemon)).length === 1);
    expect(await daemon.store.nextDueAt("hook")).toBeUndefined();
  });
});

/** A store that no longer answers once its daemon is dead. */
function killable(store: Store, isDead: () => boolean): Store {
  return new Proxy(store, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== "function") return member;
      return (...args: unknown[]) =>
        isDead()
          ? new Promise(() => undefined)
          : (member as (...all: unknown[]) => unknown).apply(target, args);
    },
  });
}

interface StatusOfHooks {
  hooks: object;
  health: { warnings: { code: string }[] };
}

describe("a daemon that dies while a hook is called", () => {
  test("03 calls it again with the same key, and its answer counts once", async () => {
    const hooks = new HookWorld().on("pre_tool_use", () => new Promise<never>(() => undefined));
    const { rig, daemon, session } = await world(hooks, hooksAt(["pre_tool_use"]));
    const { run_id } = await session.play([turn, { text: "ok" }]);
    await until("the hook to be called", async () => hooks.calls.length === 1);
    await daemon.stop();
    expect(await session.events("hooks_called"), "nothing was decided").toEqual([]);

    hooks.on("pre_tool_use", () => ({ decision: "block", stop_reason: "no" }));
    const again = await rig.boot({ callbacks: hooks.callbacks });
    const resumed = new TestSession(again);
    expect((await resumed.settled(run_id)).status).toBe("completed");
    const keys = hooks.calls.map(({ invocation_key }) => invocation_key);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^hook-invocation-[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(await resumed.events("hooks_called")).toMatchObject([{ invocation_key: keys[0] }]);
    expect(done).toEqual([]);
  });

  test("03 what it answered stands, and it is not called again", async () => {
    const hooks = new HookWorld().on("permission_request", () => ({ updated_input: { n: 5 } }));
    const rig = await createRig([testTool("bash")]);
    const daemon = await rig.boot({ callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["permission_request"]));
    const session = await TestSession.create(daemon);
    const { run_id } = await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "ok" }]);
    await session.settled(run_id);
    await daemon.stop();
    const again = await rig.boot({ callbacks: hooks.callbacks });
    const resumed = new TestSession(again);
    const [asked] = (await resumed.run(run_id)).pending_approvals ?? [];
    expect(asked?.input).toEqual({ n: 5 });
    await resumed.resolve(run_id, { request_id: asked?.id ?? "", behavior: "allow" });
    await resumed.settled(run_id);
    expect(await resumed.outputs()).toEqual([{ echo: { n: 5 } }]);
    expect(hooks.calls).toHaveLength(1);
  });

  test("03-R24 asks anew under a key of its own when rules say something else by then", async () => {
    const hooks = new HookWorld().on("permission_request", () => new Promise<never>(() => undefined));
    const rig = await createRig([testTool("bash")]);
    const daemon = await rig.boot({ callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["permission_request"]));
    const session = await TestSession.create(daemon);
    await session.play([{ tool_calls: [{ name: "bash", input: {} }] }, { text: "ok" }]);
    await until("the hook to be called", async () => hooks.calls.length === 1);
    const rule = { scope: "session", tool_name_pattern: "bash", behavior: "ask", reason: "a new rule" };
    await daemon.call("setSessionRule", { params: { session_id: session.id, rule_id: "r" }, body: rule });
    await daemon.stop();
    await rig.boot({ callbacks: hooks.callbacks });
    await until("the hook to be called again", async () => hooks.calls.length === 2);
    const [first, second] = hooks.calls;
    expect(second?.payload).toMatchObject({ reason: "a new rule" });
    expect(second?.invocation_key).not.toBe(first?.invocation_key);
  });

  test("03 what was announced is called by the next one", async () => {
    const hooks = new HookWorld().on("notification", () => new Promise<never>(() => undefined));
    const rig = await createRig([testTool("bash")]);
    const daemon = await rig.boot({ callbacks: hooks.callbacks });
    await setHooks(daemon, hooksAt(["notification"]));
    const session = await TestSession.create(daemon);
    await session.play([{ tool_calls: [{ name: "bash", input: {} }] }]);
    await settleHooks(daemon, () => hooks.calls.length, 1);
    await daemon.stop();
    hooks.on("notification", () => ({}));
    const again = await rig.boot({ callbacks: hooks.callbacks });
    await until("the hook to be called again", async () => hooks.calls.length === 2);
    await until("the call to be settled", async () => (await again.store.nextDueAt("hook")) === undefined);
    expect(hooks.calls[1]).toEqual(hooks.calls[0]);
    expect(await deadLetters(again)).toEqual([]);
  });

  test.each(["pre_tool_use", "post_tool_use"] as const)(
    "03 a %s hook that brings every daemon down is not called for ever: the run is given up, and says why",
    async (event) => {
      const hooks = new HookWorld().on(event, () => new Promise<never>(() => undefined));
      const rig = await createRig([work]);
      const first = await rig.boot({ callbacks: hooks.callbacks });
      await setHooks(first, hooksAt([event]));
      const session = await TestSession.create(first);
      await first.stop();
      let run = "";
      for (let life = 0; life < 8; life++) {
        let dead = false;
        const wrap = (store: Store) => killable(store, () => dead);
        const daemon = await rig.boot({ callbacks: hooks.callbacks, wrap });
        const now = new TestSession(daemon);
        if (life === 0) run = (await now.play([turn, { text: "ok" }])).run_id;
        const called = hooks.calls.length;
        await until("the hook or the end", async () => {
          return hooks.calls.length > called || (await now.run(run)).status === "failed";
        });
        dead = true;
      }
      const last = new TestSession(await rig.boot({ callbacks: hooks.callbacks }), session.id);
      expect(await last.run(run)).toMatchObject({
        status: "failed",
        error: expect.stringContaining("quarantined"),
      });
      expect(new Set(hooks.calls.map(({ invocation_key }) => invocation_key)).size).toBe(1);
    },
  );

  test("03-R55 a daemon that cannot read the stored hooks calls none and says so", async () => {
    const hooks = new HookWorld();
    const { rig, daemon } = await world(hooks, hooksAt(["pre_tool_use"]));
    const stored = await daemon.store.get("runtime_settings", "current");
    const data = {
      ...(stored?.data as JsonObject),
      revision: (stored?.revision ?? 0) + 1,
      hooks: { hooks: { someday: [{ name: "new" }] } },
    };
    await daemon.store.commit([{ op: "put", kind: "runtime_settings", id: "current", data, keys: {} }]);
    await daemon.stop();
    const again = await rig.boot({ callbacks: hooks.callbacks });
    const session = new TestSession(again);
    await session.settled((await session.play([turn, { text: "ok" }])).run_id);
    expect(done).toHaveLength(1);
    expect(hooks.calls).toEqual([]);
    const { hooks: status, health } = (await again.call("status")).json as never as StatusOfHooks;
    expect(status).toMatchObject({ enabled: false });
    expect(health.warnings.map(({ code }) => code)).toContain("hooks_unreadable");
  });
});

test("02-R93 what a hook is told and what it says hold no secret of the daemon", async () => {
  const key = Buffer.alloc(32, 9);
  const secret = key.toString("base64");
  const hooks = new HookWorld().on("pre_tool_use", () => ({
    decision: "block",
    stop_reason: `no ${secret}`,
  }));
  const rig = await createRig([work]);
  const daemon = await rig.boot({ callbacks: hooks.callbacks, masterKey: masterKeyOf(key) });
  await setHooks(daemon, hooksAt(["pre_tool_use"]));
  const session = await TestSession.create(daemon);
  const told = { tool_calls: [{ name: "work", input: { token: secret } }] };
  await session.settled((await session.play([told, { text: "ok" }])).run_id);
  expect(hooks.calls[0]?.payload).toMatchObject({ input: { token: "<redacted>" } });
  expect(await session.outputs()).toEqual([{ error: "no <redacted>", hook_blocked: true }]);
});

describe("a session at whose events no hook is called", () => {
  test("03 makes the same commits and reads as much as under a daemon that has none", async () => {
    const watched = async (settings: object) => {
      const made: string[][] = [];
      let reads = 0;
      const rig = await createRig([work]);
      const daemon = await rig.boot({
        wrap: (inner) =>
          around(inner, {
            commit: async (ops, options) => {
              const isOfSession = ops.some((op) => op.op === "append" && op.stream === "session/s");
              if (isOfSession) made.push(ops.map(({ op }) => op));
              return inner.commit(ops, options);
            },
            get: async (kind, id) => {
              if (kind !== "runtime_settings") reads += 1;
              return inner.get(kind, id);
            },
          }),
      });
      await setHooks(daemon, settings);
      const session = await TestSession.create(daemon);
      reads = 0;
      const turns = Array.from({ length: 10 }, () => turn);
      const { run_id } = await session.play([...turns, { text: "ok" }]);
      await until("the run to end", async () => (await session.events("completed")).length === 1);
      const told = { made, reads };
      expect((await session.settled(run_id)).status).toBe("completed");
      expect(await daemon.store.nextDueAt("hook")).toBeUndefined();
      return told;
    };
    const without = await watched({ hooks: {} });
    expect(without.made.length).toBeGreaterThan(11);
    expect(await watched(hooksAt(["subagent_start"]))).toEqual(without);
    expect(await watched(hooksAt(["pre_tool_use", "stop"], { matcher: "other" }))).toEqual(without);
  });
});
