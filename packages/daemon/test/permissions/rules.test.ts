import { describe, expect, test } from "vitest";
import type { Store } from "../../src/kernel/store.ts";
import { around, killable } from "../support/around.ts";
import { useRigs } from "../support/fixture.ts";
import type { RiggedDaemon } from "../support/rig.ts";
import { calls, ScriptedModel, says } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { Gate, succeeded, testTool } from "../support/tools.ts";
import { until } from "../support/wait.ts";

const createRig = useRigs();
const MINUTE = 60_000;

const bash = testTool("bash", { effect: "once", execute: async () => succeeded("ran") });
const turn = (command: string) => ({ tool_calls: [{ name: "bash", input: { command } }] });
const done = { text: "done" };

const denyBash = { tool_name_pattern: "bash", behavior: "deny" } as const;
const allowBash = { tool_name_pattern: "bash", behavior: "allow" } as const;

function setRule(daemon: RiggedDaemon, rule_id: string, body: object) {
  return daemon.call("setPermissionRule", { params: { rule_id }, body: { scope: "user", ...body } });
}
function setSessionRule(session: TestSession, daemon: RiggedDaemon, rule_id: string, body: object) {
  const params = { session_id: session.id, rule_id };
  return daemon.call("setSessionRule", { params, body: { scope: "session", ...body } });
}
async function decisions(session: TestSession): Promise<string[]> {
  return (await session.events("permission_audit")).map(({ audit }) => audit.decision);
}

test("a check of a tool that the daemon does not have says so, whatever would be decided", async () => {
  const rig = await createRig([bash]);
  const daemon = await rig.boot();
  const check = async (tool_name: string) =>
    (await daemon.call("checkPermission", { body: { tool_name } })).json;
  expect(await check("bsah")).toMatchObject({ tool_known: false });
  expect(await check("bash")).not.toHaveProperty("tool_known");
});

describe("rules and the run at work", () => {
  test("a rule that is made while a run works holds for its next call", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("bash", { execute: gate.execute })]);
    const daemon = await rig.boot({ permissionMode: "bypassPermissions" });
    const session = await TestSession.create(daemon);
    const { run_id } = await session.play([turn("one"), turn("two"), turn("three"), done]);
    await until("the first call", () => gate.begun.length === 1);
    await setRule(daemon, "stop", denyBash);
    gate.open();
    await session.settled(run_id);
    expect(await decisions(session)).toEqual(["allow", "deny", "deny"]);
    expect(gate.begun).toHaveLength(1);
  });

  test("so does one of its session, which the run's own journal tells it", async () => {
    const gate = new Gate();
    const rig = await createRig([testTool("bash", { execute: gate.execute })]);
    const daemon = await rig.boot({ permissionMode: "bypassPermissions" });
    const session = await TestSession.create(daemon);
    const { run_id } = await session.play([turn("one"), turn("two"), done]);
    await until("the first call", () => gate.begun.length === 1);
    await setSessionRule(session, daemon, "stop", denyBash);
    gate.open();
    await session.settled(run_id);
    expect(await decisions(session)).toEqual(["allow", "deny"]);
  });

  test("what a rule said outlives the process, and a checkpoint", async () => {
    const rig = await createRig([bash]);
    const first = await rig.boot();
    const session = await TestSession.create(first);
    await setSessionRule(session, first, "one", allowBash);
    await setRule(first, "two", { ...denyBash, tool_name_pattern: "rm_all" });
    await first.stop();
    await first.store.close();
    const model = new ScriptedModel(
      ({ kind, turn }) => {
        if (kind === "compaction") return says("{}");
        return turn < 6
          ? calls([{ name: "bash", input: { pad: "x".repeat(4_000) }, id: `c-${turn}` }])
          : says("done");
      },
      { context_tokens: 16_000, max_output_tokens: 1_000 },
    );
    const second = await rig.boot({ models: model });
    const again = new TestSession(second);
    const { run_id } = await again.submit("go");
    expect(await again.settled(run_id)).toMatchObject({ status: "completed" });
    expect(await again.events("checkpoint"), "there was one").not.toEqual([]);
    expect(new Set(await decisions(again))).toEqual(new Set(["allow"]));
    // The next run folds from the checkpoint.
    const third = await rig.boot({ models: model, store: second.store, instanceId: "b" });
    const later = new TestSession(third);
    await later.settled((await later.submit("go")).run_id);
    expect(new Set(await decisions(later))).toEqual(new Set(["allow"]));
    const { json } = await third.call("listPermissionRules");
    expect(json).toMatchObject({ rules: [{ rule_id: "two" }] });
  });

  test("03-A7 a rule ends by the clock, for calls at once and for lists soon after", async () => {
    const rig = await createRig([bash]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    const expires_at_ms = rig.clock.now() + MINUTE;
    await setRule(daemon, "short", { ...allowBash, expires_at_ms });
    await setSessionRule(session, daemon, "short", { ...allowBash, expires_at_ms });
    await session.settled((await session.play([turn("one"), done])).run_id);
    await rig.clock.advance(2 * MINUTE);
    await daemon.settle();
    const { run_id } = await session.play([turn("two"), done]);
    await session.reaches(run_id, "waiting_for_approval");
    expect(await decisions(session)).toEqual(["allow", "ask"]);
    expect((await daemon.call("listPermissionRules")).json).toEqual({ rules: [] });
    expect((await session.call("listSessionRules")).json).toEqual({ rules: [] });
    expect(await session.events("permission_rule_removed")).toEqual([
      { rule_id: "short", cause: "expired", by: "daemon" },
    ]);
  });

  test("a rule that was given more time does not end at its first deadline", async () => {
    const rig = await createRig([bash]);
    const daemon = await rig.boot();
    const begun = rig.clock.now();
    await setRule(daemon, "longer", { ...allowBash, expires_at_ms: begun + MINUTE });
    await setRule(daemon, "longer", { ...allowBash, expires_at_ms: begun + 3 * MINUTE });
    await rig.clock.advance(2 * MINUTE);
    await daemon.settle();
    expect((await daemon.call("listPermissionRules")).json).toMatchObject({ rules: [{ rule_id: "longer" }] });
    await rig.clock.advance(2 * MINUTE);
    await until("it to be gone", async () => {
      const { json } = await daemon.call("listPermissionRules");
      return (json.rules as unknown[]).length === 0;
    });
  });

  test("what one daemon is told the others on the store know", async () => {
    const rig = await createRig([bash]);
    const first = await rig.boot({ instanceId: "a", permissionMode: "bypassPermissions" });
    const second = await rig.boot({
      instanceId: "b",
      store: first.store,
      permissionMode: "bypassPermissions",
    });
    const session = await TestSession.create(second);
    await session.settled((await session.play([turn("one"), done])).run_id);
    await setRule(first, "stop", denyBash);
    const check = async () =>
      (await second.call("checkPermission", { body: { tool_name: "bash", input: {} } })).json.decision;
    await until("the other to hear of it", async () => (await check()) === "deny");
    await session.settled((await session.play([turn("two"), done])).run_id);
    await first.call("deletePermissionRule", { params: { rule_id: "stop" } });
    await setSessionRule(session, first, "stop", denyBash);
    await session.settled((await session.play([turn("three"), done])).run_id);
    expect(await decisions(session)).toEqual(["allow", "deny", "deny"]);
  });

  test("nobody is judged by more rules than the daemon keeps", async () => {
    const rig = await createRig([bash]);
    const daemon = await rig.boot();
    const session = await TestSession.create(daemon);
    for (let n = 0; n < 200; n++) await setSessionRule(session, daemon, `r${n}`, allowBash);
    await expect(setSessionRule(session, daemon, "one-more", allowBash)).rejects.toMatchObject({
      code: "permission_rule_limit_reached",
    });
    await setSessionRule(session, daemon, "r7", denyBash);
    expect((await session.call("listSessionRules")).json.rules).toHaveLength(200);
  });
});

describe("what rules cost", () => {
  /** How often each kind of record, and the journal, was read. */
  function counted(inner: Store, reads: string[]): Store {
    return around(inner, {
      get: (kind, id) => {
        reads.push(kind);
        return inner.get(kind, id);
      },
      getMany: (kind, ids) => {
        reads.push(kind);
        return inner.getMany(kind, ids);
      },
      list: (kind, query) => {
        reads.push(kind);
        return inner.list(kind, query);
      },
      readStream: (stream, range) => {
        if (!stream.startsWith("session/")) return inner.readStream(stream, range);
        reads.push("journal");
        return inner.readStream(stream, range);
      },
    });
  }

  test.each(["none", "some"])("with %s, a call is judged without a read", async (there) => {
    const reads: string[] = [];
    const rig = await createRig([
      testTool("work", { effect: "once", execute: async () => succeeded("done") }),
    ]);
    const daemon = await rig.boot({ wrap: (store) => counted(store, reads) });
    const session = await TestSession.create(daemon);
    if (there === "some") {
      await setRule(daemon, "one", { tool_name_pattern: "other", behavior: "deny" });
      await setSessionRule(session, daemon, "two", { tool_name_pattern: "work", behavior: "allow" });
    }
    const work = { tool_calls: [{ name: "work", input: {} }] };
    const play = async (turns: number) => {
      reads.length = 0;
      const { run_id } = await session.play([...Array(turns).fill(work), done]);
      await until("the run to end", async () => (await session.run(run_id)).status === "completed");
      return reads.filter((kind) => kind === "permission_rule").length;
    };
    await play(1);
    expect(await play(1)).toBe(0);
    expect(await play(10)).toBe(0);
  });
});

describe("03-A5 a remembered answer", () => {
  test("survives that the daemon is killed, and answers in the next one", async () => {
    const rig = await createRig([bash]);
    const victims: ReturnType<typeof killable>[] = [];
    const first = await rig.boot({
      wrap: (store) => {
        const victim = killable(store);
        victims.push(victim);
        return victim.store;
      },
    });
    const session = await TestSession.create(first);
    const { run_id } = await session.play([turn("one"), turn("one"), done]);
    const waiting = await session.reaches(run_id, "waiting_for_approval");
    const remember = { scope: "run", match: "exact" } as const;
    const resolutions = [{ request_id: waiting.pending_approvals?.[0]?.id, behavior: "allow", remember }];
    await first.call("resolveRunApprovals", { params: { run_id }, body: { resolutions } });
    for (const victim of victims) victim.kill();
    const second = await rig.boot({ store: first.store });
    const again = new TestSession(second);
    expect(await again.settled(run_id)).toMatchObject({ status: "completed" });
    expect(await again.events("waiting_for_approval")).toHaveLength(1);
    expect((await again.call("listSessionRules")).json, "it ended with the run").toEqual({ rules: [] });
  });

  test("ends by the clock", async () => {
    const rig = await createRig([bash]);
    const session = await TestSession.create(await rig.boot());
    const { run_id } = await session.play([turn("one"), turn("one"), done]);
    const waiting = await session.reaches(run_id, "waiting_for_approval");
    const remember = { scope: "session", match: "exact", expires_at_ms: rig.clock.now() + MINUTE };
    const id = waiting.pending_approvals?.[0]?.id ?? "";
    await session.resolve(run_id, { request_id: id, behavior: "allow", remember } as never);
    await session.settled(run_id);
    await rig.clock.advance(MINUTE);
    const later = await session.play([turn("one"), done]);
    await session.reaches(later.run_id, "waiting_for_approval");
    expect(await decisions(session)).toEqual(["ask", "allow", "ask"]);
  });

  test.each(["cancelRun", "interruptSession"] as const)(
    "of a run ends with it, also by %s",
    async (endpoint) => {
      const rig = await createRig([bash]);
      const daemon = await rig.boot();
      const session = await TestSession.create(daemon);
      const { run_id } = await session.play([turn("one"), turn("two"), done]);
      const waiting = await session.reaches(run_id, "waiting_for_approval");
      const id = waiting.pending_approvals?.[0]?.id ?? "";
      const remember = { scope: "run", match: "exact" };
      await session.resolve(run_id, { request_id: id, behavior: "allow", remember } as never);
      await until(
        "the second request",
        async () => (await session.events("waiting_for_approval")).length === 2,
      );
      expect((await session.call("listSessionRules")).json.rules).toHaveLength(1);
      await daemon.call(endpoint, { params: { run_id, session_id: session.id } });
      expect((await session.call("listSessionRules")).json).toEqual({ rules: [] });
    },
  );
});
