import type { Facts } from "../invariants/facts.ts";
import type { RulerPlan } from "../plan/plan.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";
import { openSession } from "./open-session.ts";

/** The one rule of a session that is made, changed and taken back while its runs work. */
export const RULE = "the-rule";

/** Somebody who changes what a session's runs may do; there is one of them for a session. */
export async function rule(world: World, facts: Facts, plan: RulerPlan, index: number): Promise<void> {
  const client = new Client(world, `ruler ${index}`);
  await openSession(client, plan.session);
  for (const { afterMs, behavior } of plan.changes) {
    await client.sleep(afterMs);
    const params = { session_id: plan.session, rule_id: RULE };
    const { status, code } =
      behavior === "none"
        ? await client.insist("deleteSessionRule", { params })
        : await client.insist("setSessionRule", {
            params,
            body: { scope: "session", tool_name_pattern: "bash", behavior },
          });
    world.mark(`rule: ${behavior} ${code ?? status}`);
    const known = facts.rulesOf(plan.session).own ?? "none";
    if (known !== behavior) {
      world.violate(
        "acknowledged",
        `${client.name} heard ${status} to '${behavior}', in force is '${known}'`,
      );
    }
  }
}
