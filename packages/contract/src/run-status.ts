import type { RunStatus } from "./runs.ts";

export const TERMINAL_RUN_STATUSES = ["completed", "failed", "interrupted", "cancelled"] as const;
export const WAITING_RUN_STATUSES = ["waiting_for_approval", "waiting_for_user_question"] as const;

export function isTerminal(status: RunStatus): boolean {
  return (TERMINAL_RUN_STATUSES as readonly RunStatus[]).includes(status);
}
export function isWaiting(status: RunStatus): boolean {
  return (WAITING_RUN_STATUSES as readonly RunStatus[]).includes(status);
}
