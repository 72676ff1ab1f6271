import type { PermissionMode } from "@kheish/contract";
import { digest } from "../ledger.ts";
import type { ToolCall } from "../messages.ts";
import { inForce } from "../permissions/in-force.ts";
import { ENTER_PLAN_MODE } from "../permissions/plan-mode.ts";
import type { Verdict } from "../ports.ts";
import type { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";
import type { Driver } from "./driver.ts";

/**
 * What the rules and the mode make of a call, with what hooks of this very change have added. Reads nothing, where nobody
 * has changed a rule since the last one.
 */
export function judge(driver: Driver, change: SessionChange, { call }: CallState): Promise<Verdict> {
  const session = change.sessionRead === undefined ? driver.session : change.session;
  return verdictOn(driver, session, change.now, call);
}

/** Whether a call would be let through that nobody has made: where one that is under way leads to, for instance. */
export async function wouldAllow(driver: Driver, call: ToolCall): Promise<boolean> {
  const verdict = await verdictOn(driver, driver.session, driver.deps.clock.now(), call);
  return verdict.decision === "allow";
}

async function verdictOn(
  driver: Driver,
  session: Driver["session"],
  nowMs: number,
  call: ToolCall,
): Promise<Verdict> {
  const { deps, state, run } = driver;
  const made = [...(await deps.rules.rules()), ...state.rules];
  return deps.authority.decide(call, {
    mode: modeFor(driver, call.id),
    rules: inForce(made, { nowMs, runId: run.id }),
    updates: session.hook_permissions ?? [],
    inputDigest: () => digest(call.input),
    workspaceRoot: deps.workspaceRoot,
  });
}

/** The mode in force (03-R22). What stands in a batch behind the call that begins to plan is done while planning. */
export function modeFor({ session, deps, runState }: Driver, callId: string): PermissionMode {
  for (const { call, phase } of runState.calls) {
    if (call.id === callId) break;
    if (call.name === ENTER_PLAN_MODE && phase !== "settled") return "plan";
  }
  return session.permission_mode ?? deps.permissionMode();
}
