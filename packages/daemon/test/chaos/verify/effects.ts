import type { CallKind, PlannedCall } from "../load/plan.ts";
import type { CallHistory } from "./call-history.ts";
import type { Findings } from "./findings.ts";

/** What the outside world can tell about one call. */
export interface WorldView {
  /** Times it was really done. */
  done: number;
  /** Keys that it was asked with. */
  keys: Set<string>;
}

const NOT_TWICE: readonly CallKind[] = ["once", "checked", "bash", "deaf"];
const LEAVES_A_TRACE: readonly CallKind[] = [...NOT_TWICE, "idempotent"];
const DONE = ["settled", "reconciled"];

/** Compares what a run's journal says about a call with what really happened. */
export function checkCall(
  call: PlannedCall,
  history: CallHistory | undefined,
  world: WorldView,
  findings: Findings,
): void {
  const { label, kind } = call;
  const lost = (what: string) => findings.add("lost", `${label} (${kind}): ${what}`);
  const repeated = (what: string) => findings.add("repeated", `${label} (${kind}): ${what}`);

  if (history === undefined || history.attempts === 0) {
    if (world.done > 0) lost("it was done, but the journal says that it was never dispatched");
  } else if (history.outcome === undefined) lost("it was dispatched and has no outcome");
  else if (history.outcome === "denied" && world.done > 0) lost("it was denied, and done all the same");
  else if (DONE.includes(history.outcome) && LEAVES_A_TRACE.includes(kind) && world.done === 0)
    lost(`the journal says ${history.outcome}, but it was never done`);

  if (NOT_TWICE.includes(kind) && world.done > 1) repeated(`it was done ${world.done} times`);
  if (world.keys.size > 1) repeated(`it was asked for with ${world.keys.size} different keys`);
  if ((history?.keys.size ?? 0) > 1) repeated(`its attempts carry ${history?.keys.size} different keys`);
}
