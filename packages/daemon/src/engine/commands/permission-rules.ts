import {
  type CreatePermissionRuleRequest,
  type CreateSessionRuleRequest,
  type Json,
  type PermissionRule,
  type Problem,
  problem,
  type SetPermissionRuleRequest,
  type SetSessionRuleRequest,
} from "@kheish/contract";
import type { Op } from "../../kernel/store.ts";
import type { AdminChange, Changer, ExternalAction } from "../audit-port.ts";
import { adminAction } from "../external-actions.ts";
import { RULE_STREAM } from "../permissions/rule-book.ts";
import { listRules } from "../permissions/rule-records.ts";
import { type Kept, type PermissionRuleRecord, permissionRuleId, put, read } from "../records.ts";
import { type SessionChange, TIMER_QUEUE } from "../session-change.ts";
import type { TooEarly } from "./too-early.ts";
import { type CommandDeps, requireSession, transact } from "./transact.ts";

type RuleDeps = Pick<CommandDeps, "store" | "audit" | "clock" | "mutex" | "known" | "rules">;
type Definition = Omit<
  CreatePermissionRuleRequest | CreateSessionRuleRequest | SetPermissionRuleRequest | SetSessionRuleRequest,
  "rule_id" | "expected_revision"
>;

interface Wish extends Changer {
  expectedRevision?: number;
}

/** One path segment, and one part of the ids of sessions' rules. */
const RULE_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** Every call is judged by all of them. */
const MAX_DAEMON_RULES = 1_000;
/** A checkpoint carries all of them. */
export const MAX_SESSION_RULES = 200;

export function ruleView({ data, revision }: Kept<"permission_rule">): PermissionRule {
  const { order: _place, ...rule } = data;
  return { ...rule, revision };
}

export async function newRuleId({ store }: Pick<RuleDeps, "store">): Promise<string> {
  return `rule-${await store.reserveIds("permission_rule", 1)}`;
}

/** Makes or replaces a rule of user or project scope, from the next call on (03-A7). */
export async function setDaemonRule(
  deps: RuleDeps,
  ruleId: string,
  definition: Definition,
  wish: Wish,
): Promise<{ created: boolean; rule: PermissionRule }> {
  checkDefinition(ruleId, definition, deps.clock.now());
  for (;;) {
    const before = await read(deps.store, "permission_rule", ruleId);
    checkRevision(ruleId, before, wish.expectedRevision);
    if (before === undefined)
      refuseMore((await listRules(deps.store)).length, MAX_DAEMON_RULES, "the daemon");
    const rule = await recordOf(deps, before, { rule_id: ruleId, ...definition }, wish.principal);
    const revision = before?.revision ?? 0;
    const result = await deps.audit.commitAdmin(
      [
        put("permission_rule", ruleId, rule, revision),
        said("permission_rule_set", { rule: rule as unknown as Json, by: wish.principal }, deps.clock.now()),
        ...ending(rule),
      ],
      ruleSet(rule, wish),
    );
    if (!result.ok) continue;
    deps.rules.outdate();
    const kept = { id: ruleId, revision: revision + 1, data: rule };
    return { created: before === undefined, rule: ruleView(kept) };
  }
}

export async function deleteDaemonRule(deps: RuleDeps, ruleId: string, wish: Wish): Promise<void> {
  for (;;) {
    const before = await read(deps.store, "permission_rule", ruleId);
    if (before === undefined) throw notFound(ruleId);
    checkRevision(ruleId, before, wish.expectedRevision);
    if (await dropDaemonRule(deps, before, wish, "deleted")) return;
  }
}

async function dropDaemonRule(
  deps: RuleDeps,
  { id, revision }: Kept<"permission_rule">,
  by: Changer,
  cause: "deleted" | "expired",
): Promise<boolean> {
  const result = await deps.audit.commitAdmin(
    [
      { op: "delete", kind: "permission_rule", id, expectedRevision: revision },
      said("permission_rule_removed", { rule_id: id, cause, by: by.principal }, deps.clock.now()),
    ],
    ruleRemoved(id, by, cause),
  );
  if (result.ok) deps.rules.outdate();
  return result.ok;
}

/** What the signed audit tells of a rule: what calls may do is told in full. */
function ruleSet(rule: PermissionRuleRecord, { principal, request_id }: Changer): AdminChange {
  const { order: _place, ...set } = rule;
  return {
    ...changerOf(principal, request_id),
    target: `permission_rules/${rule.rule_id}`,
    change: { set: JSON.parse(JSON.stringify(set)) as Json },
  };
}

function ruleRemoved(ruleId: string, { principal, request_id }: Changer, cause: string): AdminChange {
  const target = `permission_rules/${ruleId}`;
  return { ...changerOf(principal, request_id), target, change: { removed: ruleId, cause } };
}

function changerOf(principal: string, request_id: string | undefined): Changer {
  return { principal, ...(request_id === undefined ? {} : { request_id }) };
}

/** Other daemons on the store read of it in the journal. */
function said(type: string, data: { [key: string]: Json }, atMs: number): Op {
  return { op: "append", stream: RULE_STREAM, events: [{ type, atMs, data }] };
}

function ending(rule: PermissionRuleRecord): Op[] {
  const { expires_at_ms: dueAtMs } = rule;
  if (dueAtMs === undefined) return [];
  return [{ op: "enqueue", queue: TIMER_QUEUE, key: ruleTimer(rule), dueAtMs, payload: null }];
}

function ruleTimer(rule: PermissionRuleRecord): string {
  return `rule/${permissionRuleId(rule)}`;
}

/** Makes or replaces a rule of one session; a run that is at work there is judged by it from its next call on. */
export async function setSessionRule(
  deps: RuleDeps,
  sessionId: string,
  ruleId: string,
  definition: Definition,
  wish: Wish,
): Promise<{ created: boolean; rule: PermissionRule }> {
  checkDefinition(ruleId, definition, deps.clock.now());
  await requireSession(deps.store, sessionId);
  return transact(deps, sessionId, async (change, session) => {
    const id = permissionRuleId({ rule_id: ruleId, session_id: sessionId });
    const before = await read(deps.store, "permission_rule", id);
    checkRevision(ruleId, before, wish.expectedRevision);
    refuseRemembered(before);
    if (before === undefined) await refuseMoreIn(deps, sessionId);
    const named = { rule_id: ruleId, session_id: sessionId, ...definition };
    const rule = await recordOf(deps, before, named, wish.principal);
    keepSessionRule(change, rule, before?.revision ?? 0);
    change.audit(inSession(session, ruleSet(rule, wish)));
    const kept = { id, revision: (before?.revision ?? 0) + 1, data: rule };
    return { created: before === undefined, rule: ruleView(kept) };
  });
}

/** Writes the rule to its record and to the journal that runs are judged by, in one commit. */
export function keepSessionRule(change: SessionChange, rule: PermissionRuleRecord, revision: number): void {
  const { order: _place, ...standing } = rule;
  change.emit("permission_rule_set", { rule: standing });
  change.put("permission_rule", permissionRuleId(rule), rule, revision);
  change.add(...ending(rule));
}

export async function refuseMoreIn({ store }: Pick<RuleDeps, "store">, sessionId: string): Promise<void> {
  const count = await store.count("permission_rule", { index: "owner", prefix: ["session", sessionId] });
  refuseMore(count, MAX_SESSION_RULES, `session '${sessionId}'`);
}

export async function deleteSessionRule(
  deps: RuleDeps,
  sessionId: string,
  ruleId: string,
  wish: Wish,
): Promise<void> {
  await requireSession(deps.store, sessionId);
  await transact(deps, sessionId, async (change, session) => {
    const id = permissionRuleId({ rule_id: ruleId, session_id: sessionId });
    const before = await read(deps.store, "permission_rule", id);
    if (before === undefined) throw notFound(ruleId);
    checkRevision(ruleId, before, wish.expectedRevision);
    dropSessionRule(change, before, wish.principal, "deleted");
    change.audit(inSession(session, ruleRemoved(ruleId, wish, "deleted")));
  });
}

function inSession({ data }: Kept<"session">, admin: AdminChange): ExternalAction {
  const action = adminAction({ ...admin, target: `session/${admin.target}` });
  return { ...action, session_id: data.session_id, agent_id: data.agent_id };
}

function dropSessionRule(
  change: SessionChange,
  { id, revision, data }: Kept<"permission_rule">,
  by: string,
  cause: "deleted" | "expired",
): void {
  change.emit("permission_rule_removed", { rule_id: data.rule_id, cause, by });
  change.add({ op: "delete", kind: "permission_rule", id, expectedRevision: revision });
}

/** The rule has not held since its time came; now it is gone from the lists, too. */
export async function expireRule(deps: RuleDeps, id: string): Promise<TooEarly | undefined> {
  const known = await read(deps.store, "permission_rule", id);
  if (known === undefined) return undefined;
  const { session_id: sessionId } = known.data;
  if (sessionId !== undefined) {
    return transact(deps, sessionId, async (change) => {
      const rule = await read(deps.store, "permission_rule", id);
      const later = rule === undefined ? undefined : endsLater(rule, change.now);
      if (rule === undefined || later !== undefined) return later?.tooEarly;
      dropSessionRule(change, rule, "daemon", "expired");
      return undefined;
    });
  }
  const later = endsLater(known, deps.clock.now());
  if (later !== undefined) return later.tooEarly;
  // Refused: somebody has just changed it, and what they made of it has a timer of its own.
  await dropDaemonRule(deps, known, { principal: "daemon" }, "expired");
  return undefined;
}

function endsLater(
  { data: { expires_at_ms: ends } }: Kept<"permission_rule">,
  nowMs: number,
): { tooEarly: TooEarly | undefined } | undefined {
  if (ends === undefined) return { tooEarly: undefined };
  return ends > nowMs ? { tooEarly: { dueAtMs: ends } } : undefined;
}

async function recordOf(
  { store, clock }: RuleDeps,
  before: Kept<"permission_rule"> | undefined,
  definition: Definition & { rule_id: string; session_id?: string },
  principal: string,
): Promise<PermissionRuleRecord> {
  const now = clock.now();
  return {
    ...definition,
    origin: "operator",
    created_by: before?.data.created_by ?? principal,
    created_at_ms: before?.data.created_at_ms ?? now,
    updated_by: principal,
    updated_at_ms: now,
    order: before?.data.order ?? (await store.reserveIds("permission_rule_order", 1)),
  };
}

function checkDefinition(ruleId: string, definition: Definition, nowMs: number): void {
  if (!RULE_ID.test(ruleId)) {
    throw invalid("rule_id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -", "/rule_id");
  }
  if (definition.required_approvals !== undefined && definition.behavior !== "ask") {
    throw invalid("required_approvals belongs to the behavior 'ask'", "/required_approvals");
  }
  if (definition.expires_at_ms !== undefined && definition.expires_at_ms <= nowMs) {
    throw invalid("expires_at_ms has passed", "/expires_at_ms");
  }
}

function refuseMore(count: number, most: number, whose: string): void {
  if (count < most) return;
  throw problem(
    "permissions",
    "permission_rule_limit_reached",
    `${whose} has ${most} rules, and no more; delete one, or put several patterns into one rule`,
  );
}

function refuseRemembered(before: Kept<"permission_rule"> | undefined): void {
  if (before?.data.origin !== "remembered") return;
  throw problem(
    "permissions",
    "permission_rule_remembered",
    `rule '${before.data.rule_id}' is what approvals were answered with; it can be deleted, not changed`,
  );
}

function checkRevision(
  ruleId: string,
  before: Kept<"permission_rule"> | undefined,
  expected: number | undefined,
): void {
  const revision = before?.revision ?? 0;
  if (expected === undefined || expected === revision) return;
  if (expected === 0) {
    throw problem(
      "permissions",
      "permission_rule_exists",
      `rule '${ruleId}' exists; replace it with PUT, or choose another id`,
    );
  }
  if (before === undefined) throw notFound(ruleId);
  throw problem(
    "permissions",
    "permission_rule_revision_conflict",
    `rule '${ruleId}' is at revision ${revision}, not ${expected}; read it again and repeat`,
  );
}

function notFound(ruleId: string): Problem {
  return problem("permissions", "permission_rule_not_found", `no rule '${ruleId}' here`);
}

function invalid(detail: string, path: string): Problem {
  return problem("permissions", "permission_rule_invalid", detail, { errors: [{ path, message: detail }] });
}
