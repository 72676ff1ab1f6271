import type { StandingRule } from "../ports.ts";

/** The rules that hold here and now: none that has ended by the clock, and of other runs none. */
export function inForce(
  rules: readonly StandingRule[],
  { nowMs, runId }: { nowMs: number; runId?: string | undefined },
): readonly StandingRule[] {
  return rules.filter(
    ({ expires_at_ms: ends, run_id: of }) =>
      (ends === undefined || ends > nowMs) && (of === undefined || of === runId),
  );
}
