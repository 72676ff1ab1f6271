import { auditOutcome } from "../external-actions.ts";
import type { Reconciled } from "../ports.ts";
import type { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";
import type { Driver } from "./driver.ts";
import type { Outcome } from "./effect.ts";
import { surface } from "./recover.ts";
import { contextFor, emitFinished } from "./run-tools.ts";
import type { StopSignal } from "./stop.ts";
import { withinLimit } from "./time-limit.ts";

/** Finds out what lost calls did. Answers the outcome of all of them, as one commit. */
export async function readBack(
  driver: Driver,
  stop: StopSignal,
  calls: readonly CallState[],
): Promise<Outcome | undefined> {
  const found = await Promise.all(
    calls.map(async (call) => ({ call, read: await readOne(driver, stop, call) })),
  );
  if (stop.reason !== undefined) return undefined;
  return async (change) => {
    for (const { call, read } of found) {
      if (read.kind === "applied") {
        const { output } = read;
        emitFinished(driver, change, call, { output, is_error: false }, { ledger: "reconciled" });
      } else if (read.kind === "not_applied") {
        notApplied(driver, change, call);
      } else if (await surface(driver, change, call, read.detail)) {
        return;
      }
    }
  };
}

/** What was dispatched did nothing; `attempt`: of that one alone this is known. */
export function notApplied(driver: Driver, change: SessionChange, call: CallState, attempt?: number): void {
  auditOutcome(change, driver.run.data, driver.deps.tools, call, { outcome: "not_applied" });
  change.emit("effect_not_applied", {
    run_id: driver.run.id,
    call_id: call.call.id,
    ...(attempt === undefined ? {} : { attempt }),
  });
}

/** A reading that fails or does not end says that the outcome cannot be known, never that nothing happened. */
async function readOne(driver: Driver, stop: StopSignal, call: CallState): Promise<Reconciled> {
  const tool = driver.deps.tools.get(call.call.name);
  const parsed = tool?.parse(call.call.input);
  if (tool?.reconcile === undefined || parsed?.ok !== true) return { kind: "unknown" };
  const { input } = parsed;
  const { reconcile } = tool;
  const ended = await withinLimit(driver, stop, tool, async (signal): Promise<Reconciled> => {
    try {
      return await reconcile(input, contextFor(driver, call, signal));
    } catch (error) {
      driver.deps.log.error(
        {
          session_id: driver.sessionId,
          run_id: driver.run.id,
          call_id: call.call.id,
          tool: tool.name,
          err: String(error),
        },
        "reading back threw",
      );
      return { kind: "unknown" };
    }
  });
  if (ended.kind === "done") return ended.value;
  return { kind: "unknown", detail: "Reading back what it did took too long." };
}
