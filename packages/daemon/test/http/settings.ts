import { describe, expect, test } from "vitest";
import { type Fixture, type OpenStore, ROUTES, useDaemon } from "./fixture.ts";
import { ASKING, bash, ENDLESS, GATED, say, script, use } from "./script.ts";

const at = (session_id: string) => ({ params: { session_id } });

type Name =
  | "CapabilityScope"
  | "CredentialScope"
  | "RoutePolicy"
  | "ReplyTargets"
  | "Operator"
  | "ToolOverrides"
  | "InputContract"
  | "OutputContract";
type Change = `${"post" | "put" | "delete"}${Name}`;

/** A session default: how it is replaced and cleared, and what the view then shows. */
interface Setting {
  name: string;
  post: Change;
  put: Change;
  remove: Change;
  /** A body with a value, the same with none, and the member of the view that shows it. */
  value: object;
  nothing: object;
  member: string;
  shown: unknown;
}

const SETTINGS: Setting[] = [
  {
    name: "capability scope",
    post: "postCapabilityScope",
    put: "putCapabilityScope",
    remove: "deleteCapabilityScope",
    value: {
      capability_scope: { skill_allow: [" b", "a", "b"], mcp_tool_allow: ["*", "x"], skill_deny: [""] },
    },
    nothing: { capability_scope: null },
    member: "capability_scope",
    shown: { skill_allow: ["a", "b"], mcp_tool_allow: ["*"] },
  },
  {
    name: "credential scope",
    post: "postCredentialScope",
    put: "putCredentialScope",
    remove: "deleteCredentialScope",
    value: {
      credential_scope: { connector_allow: ["mail", "chat"], connector_credential_allow: ["mail:KEY"] },
    },
    nothing: { credential_scope: null },
    member: "credential_scope",
    shown: { connector_allow: ["chat", "mail"], connector_credential_allow: ["mail:KEY"] },
  },
  {
    name: "route policy",
    post: "postRoutePolicy",
    put: "putRoutePolicy",
    remove: "deleteRoutePolicy",
    value: { route_policy: { route_id: "second", generation: { temperature: 0.5 } } },
    nothing: { route_policy: null },
    member: "route_policy",
    shown: { provider: "second", generation: { temperature: 0.5 } },
  },
  {
    name: "reply targets",
    post: "postReplyTargets",
    put: "putReplyTargets",
    remove: "deleteReplyTargets",
    value: {
      reply_targets: [
        { plugin: "mail", address: "a@b" },
        { type: "slack", channel: "C1" },
      ],
    },
    nothing: { reply_targets: [] },
    member: "reply_targets",
    shown: [
      { plugin: "mail", address: "a@b" },
      { plugin: "slack", address: { channel: "C1" } },
    ],
  },
  {
    name: "operator config",
    post: "postOperator",
    put: "putOperator",
    remove: "deleteOperator",
    value: { operator: { enabled: true, display_name: "Ada" } },
    nothing: { operator: null },
    member: "operator",
    shown: { enabled: true, display_name: "Ada", allow_notify: true, allow_questions: true },
  },
  {
    name: "tool overrides",
    post: "postToolOverrides",
    put: "putToolOverrides",
    remove: "deleteToolOverrides",
    value: { tool_overrides: { disable: ["bash"] } },
    nothing: { tool_overrides: null },
    member: "tool_overrides",
    shown: { disable: ["bash"] },
  },
  {
    name: "input contract",
    post: "postInputContract",
    put: "putInputContract",
    remove: "deleteInputContract",
    value: { schema: { type: "string", description: "a name" } },
    nothing: { schema: null },
    member: "input_contract",
    shown: { schema: { type: "string", description: "a name" } },
  },
  {
    name: "output contract",
    post: "postOutputContract",
    put: "putOutputContract",
    remove: "deleteOutputContract",
    value: { schema: { type: "integer" } },
    nothing: { schema: null },
    member: "output_contract",
    shown: { schema: { type: "integer" }, max_repair_attempts: 3 },
  },
];

/** 01-R15, 01-R16: what changes the meaning of work needs a session at rest, what only new work captures does not. */
const PROSPECTIVE = ["route policy", "reply targets", "input contract", "output contract"];
const NEED_IDLE = SETTINGS.filter(({ name }) => !PROSPECTIVE.includes(name));
const ANY_TIME = SETTINGS.filter((setting) => !NEED_IDLE.includes(setting));

export function settings(openStore: OpenStore): void {
  const fixture = useDaemon(openStore, { routes: ROUTES });
  const { api } = fixture;

  const change = async (endpoint: Change, sessionId: string, body?: object) =>
    (await api.exchange(endpoint, { ...at(sessionId), body })).answer;
  const view = (sessionId: string) => api.call("getSession", at(sessionId));

  describe.each(SETTINGS)("$name", (setting) => {
    test("POST and PUT replace it, DELETE clears it, and so does an empty value", async () => {
      const session_id = await fixture.session();
      const before = await view(session_id);
      expect(before).not.toHaveProperty(setting.member);
      for (const write of [setting.post, setting.put]) {
        const written = await change(write, session_id, setting.value);
        expect(written).toHaveProperty(setting.member, setting.shown);
        expect(await view(session_id)).toEqual(written);

        const cleared =
          write === setting.post
            ? await change(setting.remove, session_id)
            : await change(setting.put, session_id, setting.nothing);
        expect(cleared).not.toHaveProperty(setting.member);
      }
    });

    test("is listed, and refuses a session that is not there and members nobody knows", async () => {
      const session_id = await fixture.session();
      await change(setting.put, session_id, setting.value);
      expect(await api.call("listSessions")).toContainEqual(
        expect.objectContaining({ session_id, [setting.member]: setting.shown }),
      );
      const lost = await api.refusal(setting.put, { ...at("nobody"), body: setting.value });
      expect(lost).toMatchObject({ status: 404, domain: "sessions", code: "session_not_found" });
      await fixture.leavesAlone(session_id, async () => {
        const body = { ...setting.value, more: 1 };
        const odd = await api.refusal(setting.put, { ...at(session_id), body });
        expect(odd).toMatchObject({ status: 422, code: "request_body_invalid", errors: [{ path: "/more" }] });
      });
    });
  });

  describe.each([
    ["running", ENDLESS],
    ["waiting_for_approval", GATED],
    ["waiting_for_user_question", ASKING],
  ] as const)("while a run is %s", (status, content) => {
    test.each(NEED_IDLE)("01-R15 the $name cannot change", async (setting) => {
      const { run_id, session_id } = await fixture.begin(content);
      await fixture.reaches(run_id, status);
      await fixture.leavesAlone(session_id, async () => {
        for (const [endpoint, body] of [
          [setting.put, setting.value],
          [setting.remove, undefined],
        ] as const) {
          const refused = await api.refusal(endpoint, { ...at(session_id), body });
          expect(refused).toMatchObject({ status: 409, domain: "sessions", code: "session_not_idle" });
        }
      });
      await api.call("cancelRun", { params: { run_id } });
      await change(setting.put, session_id, setting.value);
    });

    test.each(ANY_TIME)("01-R16 the $name can change", async (setting) => {
      const { run_id, session_id } = await fixture.begin(content);
      await fixture.reaches(run_id, status);
      expect(await change(setting.put, session_id, setting.value)).toHaveProperty(
        setting.member,
        setting.shown,
      );
      await api.call("cancelRun", { params: { run_id } });
    });
  });

  describe("what they do", () => {
    test("01-R16 a queued run keeps the route and the reply targets it was submitted with", async () => {
      const { session_id, run_id } = await fixture.beginWaiting(GATED);
      const queued = await fixture.submit(session_id, script(say("queued")));
      await change("putRoutePolicy", session_id, { route_policy: { provider: "second" } });
      await change("putReplyTargets", session_id, { reply_targets: [{ plugin: "mail", address: "late" }] });
      const later = await fixture.submit(session_id, script(say("later")));
      await api.call("cancelRun", { params: { run_id } });

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
      await change("putReplyTargets", session_id, {
        reply_targets: [{ plugin: "mail", address: "default" }],
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
      await api.call("interruptSession", { ...at(session_id), query: { clear_queue: "true" } });
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
      await change("putOperator", session_id, { operator: { display_name: "Ada", approval_timeout_ms: 5 } });
      expect(await current()).toEqual({ ...defaults, display_name: "Ada", approval_timeout_ms: 5 });
      await change("postOperator", session_id, { operator: { enabled: true } });
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
      await change("putToolOverrides", session_id, { tool_overrides: { disable: ["bash", "noop"] } });
      expect(await api.call("getToolOverrides", at(session_id))).toEqual({ disable: ["bash", "noop"] });
      const content = script(bash("touch forbidden"), use("noop", {}), say("{{tool_output:sim-0-0}}"));
      const run = await fixture.finish(session_id, content);
      expect(run.outputs?.[0]?.content).toContain("unavailable for this agent");
      await change("deleteToolOverrides", session_id);
      const free = await fixture.finish(
        session_id,
        script(use("noop", { bytes: 3 }), say("{{last_tool_output}}")),
      );
      expect(free.outputs?.[0]?.content).toBe('{"bytes":3,"padding":"xxx"}');
    });
  });
}
