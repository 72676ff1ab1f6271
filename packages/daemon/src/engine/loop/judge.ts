import type { PermissionMode } from "@kheish/contract";
import { digest } from "../ledger.ts";
import type { ToolCall } from "../messages.ts";
import { inForce } from "../permissions/in-force.ts";
import type { Verdict } from "../ports.ts";
import type { Driver } from "./driver.ts";

/** What the rules and the mode make of a call. Reads nothing, where nobody has changed a rule since the last one. */
export async function judge(
  { deps, state, run }: Driver,
  call: ToolCall,
  mode: PermissionMode,
  nowMs: number,
): Promise<Verdict> {
  const made = [...(await deps.rules.rules()), ...state.rules];
  return deps.authority.decide(call, {
    mode,
    rules: inForce(made, { nowMs, runId: run.id }),
    inputDigest: () => digest(call.input),
    workspaceRoot: deps.workspaceRoot,
  });
}
