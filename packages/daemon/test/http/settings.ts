import { describe, expect, test } from "vitest";
import type { Fixture } from "./support/fixture.ts";
import { at } from "./support/params.ts";
import { ACTIVE } from "./support/script.ts";

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

export function settings(fixture: Fixture): void {
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

  test.each(ACTIVE)(
    "01-R15 01-R16 what may change within $what, and what may not",
    async ({ status, content }) => {
      const { run_id, session_id } = await fixture.begin(content);
      await fixture.reaches(run_id, status);
      await fixture.leavesAlone(session_id, async () => {
        for (const { put, value, remove } of NEED_IDLE) {
          for (const call of [{ endpoint: put, body: value }, { endpoint: remove }]) {
            const refused = await api.refusal(call.endpoint, { ...at(session_id), ...call });
            expect(refused).toMatchObject({ status: 409, domain: "sessions", code: "session_not_idle" });
          }
        }
      });
      for (const { put, value, member, shown } of ANY_TIME) {
        expect(await change(put, session_id, value)).toHaveProperty(member, shown);
      }
      await fixture.cancel(run_id);
      for (const { put, value, member, shown } of NEED_IDLE) {
        expect(await change(put, session_id, value)).toHaveProperty(member, shown);
      }
    },
  );
}
