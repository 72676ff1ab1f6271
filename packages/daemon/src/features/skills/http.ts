import { type Binding, bind, changerOf, ok, param } from "../binding.ts";
import type { SkillService } from "./service.ts";
import type { SessionSkills } from "./session-skills.ts";

export function skillBindings(skills: SkillService, sessions: SessionSkills): Binding[] {
  const nameIn = (request: { params: Record<string, string> }) => param(request, "skill_name");
  const sessionIn = (request: { params: Record<string, string> }) => param(request, "session_id");
  return [
    bind("listSkills", async ({ query }) => ok(skills.list(query.query))),
    bind("getSkill", async (request) => ok(skills.get(nameIn(request)))),
    bind("getSkillLibrary", async () => ok(skills.snapshot())),
    bind("addSkill", async (request) => ok(await skills.add(request.body, changerOf(request)), 201)),
    bind("setSkill", async (request) => {
      const { created, view } = await skills.set(nameIn(request), request.body, changerOf(request));
      return ok(view, created ? 201 : 200);
    }),
    bind("removeSkill", async (request) => ok(await skills.remove(nameIn(request), changerOf(request)))),
    bind("reloadSkills", async (request) => ok(await skills.reload(changerOf(request)))),
    bind("listSessionSkills", async (request) => ok(await sessions.list(sessionIn(request), request.query))),
    bind("activateSkill", async (request) =>
      ok(await sessions.activate(sessionIn(request), nameIn(request), request.body, changerOf(request))),
    ),
    bind("deactivateSkill", async (request) =>
      ok(await sessions.deactivate(sessionIn(request), nameIn(request), changerOf(request))),
    ),
  ];
}
