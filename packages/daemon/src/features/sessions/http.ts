import type { SessionSetting } from "../../engine/index.ts";
import { type Binding, type BoundRequest, bind, callerOf, changerOf, ok, param } from "../binding.ts";
import type { SessionService } from "./service.ts";

export function sessionBindings(sessions: SessionService): Binding[] {
  const id = (request: Pick<BoundRequest, "params">) => param(request, "session_id");
  const set = async (
    request: Pick<BoundRequest, "params" | "principal" | "requestId">,
    setting: SessionSetting,
  ) => ok(await sessions.set(id(request), setting, changerOf(request)));

  return [
    bind("createSession", async (request) => {
      const session = await sessions.create(request.body, request.idempotencyKey);
      return ok(session, session.created ? 201 : 200);
    }),
    bind("listSessions", async (request) => ok(await sessions.list(request.query))),
    bind("getSession", async (request) => ok(await sessions.get(id(request)))),
    bind("sessionEvents", async (request) => ok(await sessions.events(id(request), request.query))),
    bind("sessionPermissionAudits", async (request) =>
      ok(await sessions.permissionAudits(id(request), request.query)),
    ),
    bind("sessionInput", async (request) =>
      ok(await sessions.input(id(request), request.body, callerOf(request), request.signal)),
    ),
    bind("interruptSession", async (request) =>
      ok(await sessions.interrupt(id(request), request.query.clear_queue === "true", callerOf(request))),
    ),
    bind("endSession", async (request) => ok(await sessions.end(id(request), request.body.reason))),

    bind("postPersona", async (r) => ok(await sessions.bindPersona(id(r), r.body.persona_id))),
    bind("putPersona", async (r) => ok(await sessions.bindPersona(id(r), r.body.persona_id))),
    bind("deletePersona", async (r) => ok(await sessions.clearPersona(id(r)))),
    bind("postCapabilityScope", (r) => set(r, { name: "capability_scope", value: r.body.capability_scope })),
    bind("putCapabilityScope", (r) => set(r, { name: "capability_scope", value: r.body.capability_scope })),
    bind("deleteCapabilityScope", (r) => set(r, { name: "capability_scope", value: null })),
    bind("postCredentialScope", (r) => set(r, { name: "credential_scope", value: r.body.credential_scope })),
    bind("putCredentialScope", (r) => set(r, { name: "credential_scope", value: r.body.credential_scope })),
    bind("deleteCredentialScope", (r) => set(r, { name: "credential_scope", value: null })),
    bind("postRoutePolicy", (r) => set(r, { name: "route_policy", value: r.body.route_policy })),
    bind("putRoutePolicy", (r) => set(r, { name: "route_policy", value: r.body.route_policy })),
    bind("deleteRoutePolicy", (r) => set(r, { name: "route_policy", value: null })),
    bind("getReplyTargets", async (request) => ok(await sessions.replyTargets(id(request)))),
    bind("postReplyTargets", (r) => set(r, { name: "reply_targets", value: r.body.reply_targets })),
    bind("putReplyTargets", (r) => set(r, { name: "reply_targets", value: r.body.reply_targets })),
    bind("deleteReplyTargets", (r) => set(r, { name: "reply_targets", value: null })),
    bind("getOperator", async (request) => ok(await sessions.operator(id(request)))),
    bind("postOperator", (r) => set(r, { name: "operator", value: r.body.operator })),
    bind("putOperator", (r) => set(r, { name: "operator", value: r.body.operator })),
    bind("deleteOperator", (r) => set(r, { name: "operator", value: null })),
    bind("getToolOverrides", async (request) => ok(await sessions.toolOverrides(id(request)))),
    bind("postToolOverrides", (r) => set(r, { name: "tool_overrides", value: r.body.tool_overrides })),
    bind("putToolOverrides", (r) => set(r, { name: "tool_overrides", value: r.body.tool_overrides })),
    bind("deleteToolOverrides", (r) => set(r, { name: "tool_overrides", value: null })),
  ];
}
