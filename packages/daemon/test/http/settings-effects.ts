import { expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { bash, GATED, say, script, use } from "./support/script.ts";

export function settingsEffects(fixture: Fixture): void {
  const { api } = fixture;

  test("01-R16 a queued run keeps the route and the reply targets it was submitted with", async () => {
    const { session_id, run_id } = await fixture.beginWaiting(GATED);
    const queued = await fixture.submit(session_id, script(say("queued")));
    await api.call("putRoutePolicy", { ...at(session_id), body: { route_policy: { provider: "second" } } });
    await api.call("putReplyTargets", {
      ...at(session_id),
      body: { reply_targets: [{ plugin: "mail", address: "late" }] },
    });
    const later = await fixture.submit(session_id, script(say("later")));
    await fixture.cancel(run_id);

    const first = await fixture.settles(queued.run_id);
    expect(first.request.provider).toBe("simulator");
    expect(first.outputs).toMatchObject([{ content: "queued", address: null }]);
    const second = await fixture.settles(later.run_id);
    expect(second.request.provider).toBe("second");
    expect(second.outputs).toMatchObject([{ content: "later", plugin: "mail", address: "late" }]);
  });

  test("01-R17 explicit targets win over the session's; without any the output has none", async () => {
    const session_id = await fixture.session();
    const outputs = async (more: Parameters<Fixture["finish"]>[2]) => {
      const { outputs: all = [] } = await fixture.finish(session_id, script(say("hello")), more);
      return all.map(({ plugin, address }) => ({ plugin, address }));
    };
    expect(await outputs({})).toEqual([{ plugin: undefined, address: null }]);
    await api.call("putReplyTargets", {
      ...at(session_id),
      body: {
        reply_targets: [{ plugin: "mail", address: "default" }],
      },
    });
    expect(await outputs({})).toEqual([{ plugin: "mail", address: "default" }]);
    const reply_targets = [
      { plugin: "mail", address: "a" },
      { type: "raw" as const, plugin: "chat", address: { room: 1 } },
    ];
    expect(await outputs({ reply_targets })).toEqual([
      { plugin: "mail", address: "a" },
      { plugin: "chat", address: { room: 1 } },
    ]);
    expect(await outputs({ reply_plugin: "old", reply_address: "way" })).toEqual([
      { plugin: "old", address: "way" },
    ]);
    expect(await api.call("getReplyTargets", at(session_id))).toEqual({
      reply_targets: [{ plugin: "mail", address: "default" }],
    });
  });

  test("01-R17 a connector's targets become the default of a session at rest, and of no other", async () => {
    const targets = async (session_id: string) =>
      (await api.call("getReplyTargets", at(session_id))).reply_targets;
    const idle = await fixture.session();
    const from = { source_plugin: "telegram", reply_targets: [{ plugin: "telegram", address: 7 }] };
    await fixture.finish(idle, script(say("hi")), from);
    expect(await targets(idle)).toEqual([{ plugin: "telegram", address: 7 }]);

    const { session_id, run_id } = await fixture.beginWaiting(GATED);
    await fixture.submit(session_id, script(say("hi")), from);
    expect(await targets(session_id)).toEqual([]);
    await fixture.quiet(session_id);
    await fixture.settles(run_id);

    const own = await fixture.session();
    await fixture.finish(own, script(say("hi")), { ...from, source_plugin: "daemon" });
    expect(await targets(own)).toEqual([]);
  });

  test("01-R21 a policy that names no known route is refused and changes nothing", async () => {
    const session_id = await fixture.session();
    await fixture.leavesAlone(session_id, async () => {
      const unknown = await api.refusal("putRoutePolicy", {
        ...at(session_id),
        body: { route_policy: { provider: "nowhere" } },
      });
      expect(unknown).toMatchObject({ status: 400, domain: "routes", code: "route_not_ready" });
      const keyless = await api.refusal("putRoutePolicy", {
        ...at(session_id),
        body: { route_policy: { provider: "keyless" } },
      });
      expect(keyless).toMatchObject({ status: 400, domain: "routes", code: "route_not_ready" });
    });
  });

  test("01-R21 a credential scope that excludes the route keeps runs from being submitted", async () => {
    const session_id = await fixture.session({ credential_scope: { route_deny: ["simulator"] } });
    await fixture.leavesAlone(session_id, async () => {
      const refused = await api.refusal("submitRun", { ...at(session_id), body: { content: "hello" } });
      expect(refused).toMatchObject({
        status: 400,
        domain: "runtime",
        code: "route_blocked_by_credential_scope",
      });
    });
    const allowed = await fixture.finish(session_id, script(say("hi")), { provider: "second" });
    expect(allowed.request.provider).toBe("second");
  });

  test("the operator config has defaults, and forgets what is not said again", async () => {
    const session_id = await fixture.session();
    const current = async () => (await api.call("getOperator", at(session_id))).operator;
    const defaults = { enabled: false, allow_notify: true, allow_questions: true };
    expect(await current()).toEqual(defaults);
    await api.call("putOperator", {
      ...at(session_id),
      body: { operator: { display_name: "Ada", approval_timeout_ms: 5 } },
    });
    expect(await current()).toEqual({ ...defaults, display_name: "Ada", approval_timeout_ms: 5 });
    await api.call("postOperator", { ...at(session_id), body: { operator: { enabled: true } } });
    expect(await current()).toEqual({ ...defaults, enabled: true });
  });

  test("a tool that is disabled cannot be used; one that is unknown cannot be named", async () => {
    const session_id = await fixture.session();
    expect(await api.call("getToolOverrides", at(session_id))).toEqual({});
    await fixture.leavesAlone(session_id, async () => {
      const body = { tool_overrides: { disable: ["teleport"] } };
      const refused = await api.refusal("putToolOverrides", { ...at(session_id), body });
      expect(refused).toMatchObject({ status: 400, domain: "runtime", code: "runtime_validation_failed" });
    });
    await api.call("putToolOverrides", {
      ...at(session_id),
      body: { tool_overrides: { disable: ["bash", "noop"] } },
    });
    expect(await api.call("getToolOverrides", at(session_id))).toEqual({ disable: ["bash", "noop"] });
    const content = script(bash("touch forbidden"), use("noop", {}), say("{{tool_output:sim-0-0}}"));
    const run = await fixture.finish(session_id, content);
    expect(run.outputs?.[0]?.content).toContain("unavailable for this agent");
    await api.call("deleteToolOverrides", at(session_id));
    const free = await fixture.finish(
      session_id,
      script(use("noop", { bytes: 3 }), say("{{last_tool_output}}")),
    );
    expect(free.outputs?.[0]?.content).toBe('{"bytes":3,"padding":"xxx"}');
  });
}
