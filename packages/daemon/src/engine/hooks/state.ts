import type { HookEvent } from "@kheish/contract";

/** What hooks have had to do with a run. JSON: a checkpoint carries it on. */
export interface RunHooks {
  /** Of `setup`, `session_start`, `user_prompt_submit`: those that were called in this run. */
  opened: HookEvent[];
  /** The answer that the `stop` hooks were asked about last. */
  stop_seq: number;
  /** How often they kept the run from ending. */
  stop_blocks: number;
  /** The turn whose compaction `pre_compact` hooks were asked about last, and whether they refused it. */
  compact_turn: number;
  compact_vetoed: boolean;
  /** Denied calls that a hook let the model repeat (01-R86). */
  denied_retries: number;
  /** Why the run must not go on. */
  blocked?: string;
}

/** What hooks have had to do with a call. */
export interface CallHooks {
  called: HookEvent[];
  /** How a `permission_request` hook decided, in the place of a human. */
  permission?: { behavior: "allow" | "deny"; reason: string };
  /** A hook put another input in the place of the model's. */
  edited?: true;
  /** A denied call that the model may repeat. */
  retry?: true;
}

export function newRunHooks(): RunHooks {
  return {
    opened: [],
    stop_seq: 0,
    stop_blocks: 0,
    compact_turn: -1,
    compact_vetoed: false,
    denied_retries: 0,
  };
}

/** Whether there is nothing to remember. */
export function isUntouched(hooks: RunHooks): boolean {
  return (
    hooks.opened.length === 0 &&
    hooks.stop_seq === 0 &&
    hooks.compact_turn === -1 &&
    hooks.denied_retries === 0 &&
    hooks.blocked === undefined
  );
}
