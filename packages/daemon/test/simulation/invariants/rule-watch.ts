import { isDeepStrictEqual } from "node:util";
import type { RecordedEvent, SessionEvents } from "../../../src/engine/index.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { RULE } from "../clients/ruler.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { CheckName } from "./check.ts";
import type { CallFacts, Facts, Law, RuleFacts, RunFacts } from "./facts.ts";
import { lawsKnownTo, verdictOfRules } from "./law-watch.ts";

/** Whose the rules are that are no session's. */
const DAEMON = "the daemon";

type Violate = (check: CheckName, detail: string) => void;
type RuleEvent = Extract<RecordedEvent, { type: "permission_rule_set" | "permission_rule_removed" }>;

/** What rules there are, by what was written of them, and that each answer is remembered as it was given. */
export function onRule(facts: Facts, session: string, event: RuleEvent, violate: Violate): void {
  const rules = facts.rulesOf(session);
  if (event.type === "permission_rule_removed") {
    if (event.data.rule_id === RULE) delete rules.own;
    rules.remembered = rules.remembered.filter(({ id }) => id !== event.data.rule_id);
    return;
  }
  const { rule } = event.data;
  if (rule.rule_id === RULE) {
    rules.own = rule.behavior;
    return;
  }
  const approval = facts.approvals.get(rule.approval_request_id ?? "");
  const decision = approval?.decision;
  const said = decision?.remember;
  const run = said?.scope === "run" ? approval?.run : undefined;
  const isSaid = rule.run_id === run && rule.expires_at_ms === said?.expires_at_ms;
  if (approval === undefined || said === undefined || decision?.behavior !== rule.behavior || !isSaid) {
    violate("rules", `${rule.rule_id} remembers what nobody said`);
    return;
  }
  rules.remembered.push({
    id: rule.rule_id,
    behavior: decision.behavior,
    input: decision.input ?? facts.calls.get(approval.call)?.input ?? null,
    ...(rule.run_id === undefined ? {} : { run: rule.run_id }),
    ...(rule.expires_at_ms === undefined ? {} : { endsAtMs: rule.expires_at_ms }),
  });
}

export function onRunEnd(facts: Facts, run: RunFacts): void {
  const rules = facts.rulesOf(run.session);
  rules.remembered = rules.remembered.filter((one) => one.run !== run.id);
}

/**
 * A call is judged by the rules of its session that the journal holds at that very place, and by no other; and by the
 * daemon's rules as whoever judged it knew them.
 */
export function onAudit(
  world: World,
  facts: Facts,
  process: SimulatedProcess,
  run: RunFacts,
  { audit }: SessionEvents["permission_audit"],
  atMs: number,
): void {
  if (audit.tool_name !== "bash" || audit.effective_mode === undefined) return;
  const call = facts.call(audit.tool_call_id ?? "", run.id);
  const expected = lawsKnownTo(world, facts, process, atMs).map((laws) =>
    verdictOn(facts.rulesOf(run.session), verdictOfRules(laws, atMs), call, run.id, atMs),
  );
  world.mark(`judged: ${audit.decision} by ${audit.matched_rule_origin} ${audit.scope}`);
  const isLaw = audit.scope === "user" || audit.scope === "project";
  const found = `'${audit.base_decision}'${isLaw ? ` by ${audit.matched_rule_id}` : ""}`;
  if (!expected.includes(found)) {
    const may = [...new Set(expected)].join(" or ");
    world.violate("rules", `${call.id} is decided ${found}, by the rules it is ${may}`);
  }
  if (audit.base_decision === "allow") call.isAllowed = true;
}

/** The decision, and the rule of the daemon that it was made by. */
function verdictOn(
  { own, remembered }: RuleFacts,
  law: Law | undefined,
  { input }: CallFacts,
  run: string,
  atMs: number,
): string {
  const asked = own === undefined && law !== undefined ? `'${law.behavior}' by ${law.rule_id}` : "'ask'";
  if (own === "allow" || own === "deny") return `'${own}'`;
  if (own === undefined && law !== undefined && law.behavior !== "ask") return asked;
  const answers = remembered.filter(
    (one) =>
      isDeepStrictEqual(one.input, input) &&
      (one.run === undefined || one.run === run) &&
      (one.endsAtMs === undefined || one.endsAtMs > atMs),
  );
  if (answers.some(({ behavior }) => behavior === "deny")) return "'deny'";
  return answers.length > 0 ? "'allow'" : asked;
}

/** The records are what the journals say, and of runs that are over nothing is left. */
export async function checkRules(facts: Facts, store: Store, violate: Violate): Promise<void> {
  const stored = await store.list("permission_rule", { index: "owner", limit: 10_000 });
  const found = stored.map(({ data }) => {
    const { session_id = DAEMON, rule_id } = data as { session_id?: string; rule_id: string };
    return `${session_id}/${rule_id}`;
  });
  const laws = [...facts.laws.latest.keys()].map((id) => `${DAEMON}/${id}`);
  const ofSessions = [...facts.rules].flatMap(([session, { own, remembered }]) => [
    ...(own === undefined ? [] : [`${session}/${RULE}`]),
    ...remembered.map(({ id }) => `${session}/${id}`),
  ]);
  const expected = [...laws, ...ofSessions];
  if (isDeepStrictEqual(found.toSorted(), expected.toSorted())) return;
  violate(
    "rules",
    `stored are ${found.join(", ") || "none"}, the journals say ${expected.join(", ") || "none"}`,
  );
}
