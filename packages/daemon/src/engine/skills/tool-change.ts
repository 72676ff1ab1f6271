import { type Json, Problem } from "@kheish/contract";
import type { Driver } from "../loop/driver.ts";
import type { SessionChange } from "../session-change.ts";
import { beginSkill, endSkill } from "./change.ts";
import type { SkillChange } from "./port.ts";

/** What a tool asked of the session's skills, in the commit that keeps the call's result. */
export async function changeSkills(
  driver: Driver,
  change: SessionChange,
  wanted: SkillChange,
  callId: string,
): Promise<{ output: Json; is_error: boolean }> {
  await driver.sessionFor(change);
  const by = { kind: "agent", run_id: driver.run.id, call_id: callId } as const;
  try {
    if (wanted.type === "deactivate") {
      const { name } = endSkill(change, wanted.name, by);
      return { output: { action: "deactivate", name }, is_error: false };
    }
    const { name } = wanted.skill;
    const active = beginSkill(change, wanted, by);
    const output = { action: "activate", mode: "inline", name, active_skill: active as unknown as Json };
    return { output, is_error: false };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { output: { error: error.message, code: error.code }, is_error: true };
  }
}
