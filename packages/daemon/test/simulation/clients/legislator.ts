import type { PermissionExplanation, PermissionRule, PermissionRuleList } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import { verdictOfRules } from "../invariants/law-watch.ts";
import type { LegislatorPlan, RuleChangePlan } from "../plan/plan.ts";
import type { Answer } from "../world/network.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";

/** Somebody else was faster: the rule is not what it was when it was read. */
const OVERTAKEN: readonly (string | undefined)[] = [
  "permission_rule_revision_conflict",
  "permission_rule_exists",
  "permission_rule_not_found",
];

/** Somebody who makes the daemon's own rules, each from the revision that was just read; two of them race. */
export async function legislate(
  world: World,
  facts: Facts,
  plan: LegislatorPlan,
  index: number,
): Promise<void> {
  const client = new Client(world, `legislator ${index}`);
  for (const change of plan.changes) {
    await client.sleep(change.afterMs);
    await make(client, facts, change);
  }
}

/** Again while others are faster. Whether a change that nobody heard of was made, nobody asks. */
async function make(client: Client, facts: Facts, change: RuleChangePlan): Promise<void> {
  const { world } = client;
  for (;;) {
    const { rules } = (await client.insist("listPermissionRules")).json as unknown as PermissionRuleList;
    const known = rules.find(({ rule_id }) => rule_id === change.rule)?.revision ?? 0;
    if (change.behavior === "none" && known === 0) return;
    const answer = await ask(client, change, known);
    world.mark(
      `law: ${change.behavior === "none" ? "repeal" : "enact"} ${answer?.code ?? answer?.status ?? "unheard"}`,
    );
    if (answer === undefined) return;
    if (OVERTAKEN.includes(answer.code)) continue;
    // By the time that it came, or by the clock of who was asked, it had ended.
    if (answer.code === "permission_rule_invalid" && change.forMs > 0) return;
    if (answer.status >= 300)
      world.violate("rules", `${change.id} is refused: ${answer.status} ${answer.code}`);
    else if (change.behavior !== "none") {
      const { revision } = answer.json as unknown as PermissionRule;
      facts.laws.acknowledged.push({ id: change.id, known, revision });
    }
    return;
  }
}

function ask(
  client: Client,
  { id, rule, scope, pattern, behavior, forMs }: RuleChangePlan,
  known: number,
): Promise<Answer | undefined> {
  const params = { rule_id: rule };
  if (behavior === "none")
    return client.once("deletePermissionRule", { params, query: { expected_revision: String(known) } });
  return client.once("setPermissionRule", {
    params,
    body: {
      scope,
      tool_name_pattern: pattern,
      behavior,
      reason: id,
      expected_revision: known,
      ...(forMs === 0 ? {} : { expires_at_ms: client.world.scheduler.now + forMs }),
    },
  });
}

/** Asks every daemon, when all is over, what it would make of a call: each has heard of what the others were told. */
export async function askEveryDaemon(world: World, facts: Facts): Promise<void> {
  const client = new Client(world, "jurist");
  for (const process of world.processes) {
    if (!process.alive || !process.started) continue;
    const body = { tool_name: "bash", input: {} };
    const { json } = await world.network.call(client, "checkPermission", { body }, process);
    const { decision, matched_rule_id: rule } = json as unknown as PermissionExplanation;
    const expected = verdictOfRules(facts.laws.latest, world.scheduler.now);
    if (decision !== (expected?.behavior ?? "ask") || rule !== expected?.rule_id) {
      world.violate(
        "rules",
        `${process.name} would ${decision} by ${rule ?? "default"}, in force is ${expected?.rule_id ?? "nothing"}`,
      );
    }
  }
}
