import { type ActiveSkill, problem } from "@kheish/contract";
import type { Changer } from "../audit-port.ts";
import { adminAction } from "../external-actions.ts";
import { digest } from "../ledger.ts";
import { isCapable } from "../scopes/narrow.ts";
import type { SessionChange } from "../session-change.ts";
import { type Activation, beginSkill, endSkill } from "../skills/change.ts";
import { requireIdle } from "./settings.ts";
import { type CommandDeps, transact } from "./transact.ts";

/** They change what work may do, so nobody may be at work (01-R15). */
export async function activateSkill(
  deps: CommandDeps,
  sessionId: string,
  activation: Activation,
  by: Changer,
): Promise<ActiveSkill> {
  const { skill, args } = activation;
  return transact(deps, sessionId, (change, session) => {
    requireIdle(session);
    const { capability_scope: scope } = session.data;
    if (scope !== undefined && !isCapable(scope, "skill", skill.name)) throw unknownSkill(skill.name);
    const active = beginSkill(change, activation, { kind: "operator" });
    change.emit("session_updated", { field: "active_skills" });
    record(change, by, {
      activated: skill.name,
      digest: skill.digest,
      ...(args === undefined ? {} : { args_sha256: digest(args) }),
    });
    return active;
  });
}

export async function deactivateSkill(
  deps: CommandDeps,
  sessionId: string,
  name: string,
  by: Changer,
): Promise<ActiveSkill> {
  return transact(deps, sessionId, (change, session) => {
    requireIdle(session);
    const ended = endSkill(change, name, { kind: "operator" });
    change.emit("session_updated", { field: "active_skills" });
    record(change, by, { deactivated: name, digest: ended.digest });
    return ended;
  });
}

/** 03-R75: what a scope hides is as if it were not there. */
export function unknownSkill(name: string) {
  return problem("skills", "skill_not_found", `there is no skill '${name}'`);
}

function record(change: SessionChange, by: Changer, what: Record<string, string>): void {
  const { session_id, agent_id } = change.session;
  const told = adminAction({ ...by, target: "session/active_skills", change: what });
  change.audit({ ...told, session_id, agent_id });
}
