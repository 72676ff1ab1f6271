import type { ActiveSkillSnapshot, CapabilityScope } from "@kheish/contract";

/** A skill as it begins to be active: who began it and when is known by the commit that does it. */
export type SkillToActivate = Omit<
  ActiveSkillSnapshot,
  "activated_by" | "activated_at_ms" | "activation_reason" | "args"
>;

/** What a tool asks of the session's skills; what becomes of it is the call's result. */
export type SkillChange =
  | { type: "activate"; skill: SkillToActivate; args?: string; reason?: string }
  | { type: "deactivate"; name: string };

/** What prompts tell of skills. */
export interface SkillPort {
  /** The skills that a scope lets through, a line each; undefined when there are none (03-R77). */
  catalogue(scope: CapabilityScope | undefined): string | undefined;
}
