import type { ContextPlan } from "./context/plan.ts";
import type { Nudge } from "./events.ts";
import type { DueHook } from "./hooks/port.ts";
import type { CallState } from "./state.ts";

/** What comes next. The loop carries it out; it decides nothing itself. */
export type Step =
  | { kind: "idle" }
  | { kind: "call_model" }
  | { kind: "shrink_context"; plan: Exclude<ContextPlan, { kind: "none" }> }
  /** Hooks that may steer what comes next. */
  | { kind: "call_hooks"; due: DueHook[] }
  /** Calls that nobody has decided about yet. */
  | { kind: "authorize"; calls: CallState[] }
  /** Calls that were dispatched by a process that is gone. */
  | { kind: "recover"; calls: CallState[] }
  /** Allowed calls, in order; the loop cuts them into batches. */
  | { kind: "run_tools"; calls: CallState[] }
  | { kind: "wait_for_approval" }
  | { kind: "wait_for_answer" }
  /** The answer was cut at the output limit, left a requirement unmet or broke its contract: ask for the rest. */
  | { kind: "nudge"; nudge: Nudge; text: string }
  /** `structured`: the canonical JSON that is delivered instead of the answer's text. */
  | { kind: "finish"; structured?: string }
  /** The goal it works for has nothing left to spend (01, weakness 4). */
  | { kind: "stop"; reason: string }
  /** `passing`: the same again may go well (01-R70). `code`: why, for programs. */
  | { kind: "fail"; error: string; passing?: true; code?: string };
