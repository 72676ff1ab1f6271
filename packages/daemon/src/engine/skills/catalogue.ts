import type { Driver } from "../loop/driver.ts";
import { isVisible } from "../loop/visible-tools.ts";

const USE_SKILL = "use_skill";

/** What the next prompt tells of skills; nothing to a session that has no way to use one. */
export function catalogueFor({ deps, session }: Pick<Driver, "deps" | "session">): string | undefined {
  const isUsable = deps.tools.get(USE_SKILL) !== undefined && isVisible(session, USE_SKILL);
  return isUsable ? deps.skills.catalogue(session.capability_scope) : undefined;
}
