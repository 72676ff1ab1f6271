import { foldSession } from "../../../src/engine/fold.ts";
import { type RecordedEvent, read } from "../../../src/engine/index.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { skillWithout, wordsOf } from "../clients/librarian.ts";
import type { SimulatedProcess } from "../world/process.ts";
import type { ModelCall } from "../world/provider.ts";
import type { World } from "../world/world.ts";
import type { CheckName } from "./check.ts";
import type { Facts, RunFacts } from "./facts.ts";

type SkillEvent = Extract<RecordedEvent, { type: "skill_activated" | "skill_deactivated" }>;

/** What is active, by what was written of it; a skill is known by the tool that it takes away. */
export function onSkill(facts: Facts, session: string, event: SkillEvent): void {
  const active = facts.skillsOf(session);
  if (event.type === "skill_activated") active.add(event.data.skill.blocked_tools[0] ?? "");
  else active.delete(event.data.name.replace(skillWithout(""), ""));
}

/** What an active skill takes away does not leave. */
export function checkSurface(world: World, facts: Facts, run: RunFacts, tool: string, call: string): void {
  if (!facts.skillsOf(run.session).has(tool)) return;
  world.violate("skills", `${call} leaves with '${tool}', which an active skill takes away`);
}

/** Whoever drives a session tells the model of each active skill, whatever of the conversation was cut. */
export function watchTold(world: World, facts: Facts, process: SimulatedProcess, call: ModelCall): void {
  const active = facts.skills.get(call.session_id);
  const drives = facts.leases.get(`session/${call.session_id}`)?.slot === process.slot;
  if (active === undefined || active.size === 0 || !drives || call.prompt === undefined) return;
  const prompt = call.prompt();
  for (const tool of active) {
    const times = prompt.split(wordsOf(tool)).length - 1;
    world.mark(`skill: told ${times === 0 ? "never" : times === 1 ? "once" : "again"}`);
    if (times > 0) continue;
    world.violate("skills", `a call of ${call.run_id} is not told of the active ${skillWithout(tool)}`);
  }
}

/** The sessions' records are what their journals say, and so is what a daemon knows that takes them over. */
export async function checkSkills(
  facts: Facts,
  store: Store,
  violate: (check: CheckName, detail: string) => void,
): Promise<void> {
  for (const [id, active] of facts.skills) {
    const session = await read(store, "session", id);
    if (session === undefined) continue;
    const expected = [...active].map(skillWithout).toSorted().join();
    const recorded = namesOf(session.data.active_skills ?? []);
    const folded = namesOf((await foldSession(store, session)).skills.map(({ skill }) => skill));
    if (recorded === expected && folded === expected) continue;
    violate(
      "skills",
      `active in ${id} are '${recorded}', folded '${folded}', its journal says '${expected}'`,
    );
  }
}

function namesOf(skills: readonly { name: string }[]): string {
  return skills
    .map(({ name }) => name)
    .toSorted()
    .join();
}
