import type { Facts } from "../invariants/facts.ts";
import type { LibrarianPlan } from "../plan/plan.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";
import { openSession } from "./open-session.ts";

/** The skill that does without a tool. */
export function skillWithout(tool: string): string {
  return `without-${tool}`;
}

/** What stands in its instructions and nowhere else. */
export function wordsOf(tool: string): string {
  return `this is how it is done without ${tool}`;
}

/** Somebody who makes skills active in a session, and ends them; there is one of them for a session. */
export async function keepSkills(
  world: World,
  facts: Facts,
  plan: LibrarianPlan,
  index: number,
): Promise<void> {
  const client = new Client(world, `librarian ${index}`);
  await openSession(client, plan.session);
  for (const { afterMs, act, tool } of plan.acts) {
    await client.sleep(afterMs);
    const params = { session_id: plan.session, skill_name: skillWithout(tool) };
    const body = { instructions: wordsOf(tool), blocked_tools: [tool] };
    if (act === "activate") await client.insist("setSkill", { params, body });
    const { status, code } =
      act === "activate"
        ? await client.insist("activateSkill", { params, body: {} })
        : await client.insist("deactivateSkill", { params });
    world.mark(`skill: ${act} ${code ?? status}`);
    if (status !== 200 || facts.skillsOf(plan.session).has(tool) === (act === "activate")) continue;
    world.violate("acknowledged", `${client.name} heard ${status} to '${act} ${params.skill_name}'`);
  }
}
