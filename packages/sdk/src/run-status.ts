import type { RunStatus, TERMINAL_RUN_STATUSES, WAITING_RUN_STATUSES } from "@kheish/contract";

/** The contract's lists as keys: the compiler refuses one that is not complete. */
const TERMINAL: Record<(typeof TERMINAL_RUN_STATUSES)[number], true> = {
  completed: true,
  failed: true,
  interrupted: true,
  cancelled: true,
};
const WAITING: Record<(typeof WAITING_RUN_STATUSES)[number], true> = {
  waiting_for_approval: true,
  waiting_for_user_question: true,
};

/** Nothing will move the run any more. */
export function isTerminal(status: RunStatus): boolean {
  return Object.hasOwn(TERMINAL, status);
}

/** The run goes on when a human has spoken. */
export function isWaiting(status: RunStatus): boolean {
  return Object.hasOwn(WAITING, status);
}
