import { isTerminal, type RunView } from "@kheish/contract";
import type { Findings } from "../verify/findings.ts";
import type { Barred, Governor } from "./governor.ts";
import type { ProviderCall } from "./provider.ts";

/** A request that had left when the revocation was acknowledged may arrive so much later. */
const ON_THE_WAY_MS = 250;

/** Calls that were begun under what was revoked or replaced before, and said to be so. */
export function usedAfterRevocation(
  calls: readonly ProviderCall[],
  { revoked, replaced }: Pick<Governor, "revoked" | "replaced">,
): ProviderCall[] {
  const isIn = (atMs: number, { fromMs, untilMs }: Barred) => atMs > fromMs + ON_THE_WAY_MS && atMs < untilMs;
  return calls.filter(({ atMs, key, session }) => {
    const old = replaced.get(key);
    const isOld = old !== undefined && isIn(atMs, old);
    return isOld || (revoked.get(session) ?? []).some((barred) => isIn(atMs, barred));
  });
}

export interface Endings {
  settled: number;
  completed: number;
  failedByBudget: number;
  failedByRevocation: number;
  /** Cut off at one point as often as a run may be. */
  quarantined: number;
  takeovers: number;
}

/** As the daemon's limits have it: a run that is cut off more often at one point is given up. */
const MAX_TAKEOVERS = 5;

/** Every run that was accepted is there and at an end, and one that failed says a reason that it may have. */
export function endingsOf(
  accepted: ReadonlyMap<string, string>,
  views: readonly RunView[],
  findings: Findings,
): Endings {
  const endings: Endings = {
    settled: 0,
    completed: 0,
    failedByBudget: 0,
    failedByRevocation: 0,
    quarantined: 0,
    takeovers: 0,
  };
  for (const [key, runId] of accepted) {
    const view = views.find(({ run_id }) => run_id === runId);
    if (view === undefined) {
      findings.add("lost", `run ${runId} (${key}) was accepted and does not exist`);
      continue;
    }
    endings.takeovers += view.usage?.restarts ?? 0;
    if (isTerminal(view.status)) endings.settled += 1;
    else findings.add("lost", `run ${runId} never settled: ${view.status}`);
    if (view.status === "completed") endings.completed += 1;
    else if (view.status === "failed" && /budget/.test(view.error ?? "")) endings.failedByBudget += 1;
    else if (view.status === "failed" && /has been revoked/.test(view.error ?? ""))
      endings.failedByRevocation += 1;
    else if (view.status === "failed" && isQuarantined(view)) endings.quarantined += 1;
    else if (isTerminal(view.status)) findings.add("lost", `run ${runId} is ${view.status}: ${view.error}`);
  }
  const known = new Set(accepted.values());
  for (const { run_id } of views)
    if (!known.has(run_id)) findings.add("repeated", `there is a run nobody submitted: ${run_id}`);
  return endings;
}

/** It says so, and was taken over that often. */
function isQuarantined({ error = "", usage }: RunView): boolean {
  const [, times] = /^quarantined: the daemon stopped (\d+) times at this point/.exec(error) ?? [];
  return times !== undefined && Number(times) > MAX_TAKEOVERS && (usage?.restarts ?? 0) >= Number(times);
}
