import type { UnknownOutcomePolicy } from "@kheish/contract";

/** What bounds a run; each input to `decide`, none a flag checked elsewhere. */
export interface RunLimits {
  /** Model calls per run; 0 removes the ceiling (01-R87). */
  maxTurns: number;
  /** Takeovers without progress before a run is given up as what keeps killing the daemon. */
  maxTakeovers: number;
  /** Dispatches of one call that may be repeated. */
  maxAttempts: number;
  /** Continuation nudges after an answer cut at the output limit (01-R86). */
  maxOutputNudges: number;
  /** Follow-up turns for unmet completion requirements (01-R36). */
  maxRequirementNudges: number;
  /** Model calls of the run that reports about a spent budget (01-R69). */
  maxWrapUpTurns: number;
  unknownOutcome: UnknownOutcomePolicy;
}

export const DEFAULT_RUN_LIMITS: RunLimits = {
  maxTurns: 500,
  maxTakeovers: 5,
  maxAttempts: 3,
  maxOutputNudges: 3,
  maxRequirementNudges: 2,
  maxWrapUpTurns: 5,
  unknownOutcome: "tell_model",
};
