import type { LoopDeps } from "../loop/deps.ts";
import { isVisible } from "../loop/visible-tools.ts";
import type { SessionRecord } from "../records.ts";

const USE_SKILL = "use_skill";

/** What the next prompt tells of skills; nothing to a session that has no way to use one. */
export function catalogueFor({
  deps,
  session,
}: {
  deps: Pick<LoopDeps, "tools" | "skills">;
  session: SessionRecord;
}): string | undefined {
  const isUsable = deps.tools.get(USE_SKILL) !== undefined && isVisible(session, USE_SKILL);
  return isUsable ? deps.skills.catalogue(session.capability_scope) : undefined;
}
