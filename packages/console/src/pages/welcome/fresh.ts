import type { DaemonStatusView } from "@kheish/sdk";

/** Nobody has set this daemon up yet: no route but the simulator's, no session (08-R1). */
export function isFresh({ runtime, sessions }: DaemonStatusView): boolean {
  return sessions.total === 0 && (runtime.routes ?? []).every(({ provider }) => provider === "simulator");
}

const KEY = "kheish-tour";

/** Remembered in this browser, for the daemon at this address. */
export function isTourOver(): boolean {
  return localStorage.getItem(KEY) === "over";
}

export function endTour(): void {
  localStorage.setItem(KEY, "over");
}
