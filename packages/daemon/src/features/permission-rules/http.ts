import { problem } from "@kheish/contract";
import {
  type CommandDeps,
  deleteDaemonRule,
  deleteSessionRule,
  listRules,
  newRuleId,
  requireSession,
  ruleView,
  setDaemonRule,
  setSessionRule,
} from "../../engine/index.ts";
import { type Actor, type Binding, bind, changerOf, ok, param } from "../binding.ts";

/** What somebody wants of tool calls: of the daemon's, and of one session's (03-A7). */
export function ruleBindings(deps: CommandDeps): Binding[] {
  return [...daemonBindings(deps), ...sessionBindings(deps)];
}

function daemonBindings(deps: CommandDeps): Binding[] {
  return [
    bind("listPermissionRules", async () => ok({ rules: (await listRules(deps.store)).map(ruleView) })),
    bind("createPermissionRule", async (request) => {
      const { rule_id, ...definition } = request.body;
      const id = rule_id ?? (await newRuleId(deps));
      const { rule } = await setDaemonRule(deps, id, definition, wish(request, 0));
      return ok(rule, 201);
    }),
    bind("setPermissionRule", async (request) => {
      const { expected_revision, ...definition } = request.body;
      const id = param(request, "rule_id");
      const { rule, created } = await setDaemonRule(deps, id, definition, wish(request, expected_revision));
      return ok(rule, created ? 201 : 200);
    }),
    bind("deletePermissionRule", async (request) => {
      const expected = revisionOf(request.query.expected_revision);
      await deleteDaemonRule(deps, param(request, "rule_id"), wish(request, expected));
      return ok({ accepted: true });
    }),
  ];
}

function sessionBindings(deps: CommandDeps): Binding[] {
  return [
    bind("listSessionRules", async (request) => {
      const sessionId = param(request, "session_id");
      await requireSession(deps.store, sessionId);
      return ok({ rules: (await listRules(deps.store, sessionId)).map(ruleView) });
    }),
    bind("createSessionRule", async (request) => {
      const { rule_id, ...definition } = request.body;
      const sessionId = param(request, "session_id");
      await requireSession(deps.store, sessionId);
      const id = rule_id ?? (await newRuleId(deps));
      const { rule } = await setSessionRule(deps, sessionId, id, definition, wish(request, 0));
      return ok(rule, 201);
    }),
    bind("setSessionRule", async (request) => {
      const { expected_revision, ...definition } = request.body;
      const sessionId = param(request, "session_id");
      const id = param(request, "rule_id");
      const by = wish(request, expected_revision);
      const { rule, created } = await setSessionRule(deps, sessionId, id, definition, by);
      return ok(rule, created ? 201 : 200);
    }),
    bind("deleteSessionRule", async (request) => {
      const expected = revisionOf(request.query.expected_revision);
      const sessionId = param(request, "session_id");
      await deleteSessionRule(deps, sessionId, param(request, "rule_id"), wish(request, expected));
      return ok({ accepted: true });
    }),
  ];
}

function wish(request: Actor, expectedRevision: number | undefined) {
  return { ...changerOf(request), ...(expectedRevision === undefined ? {} : { expectedRevision }) };
}

function revisionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw problem("api", "request_query_invalid", `expected_revision must be a whole number, not '${text}'`);
}
