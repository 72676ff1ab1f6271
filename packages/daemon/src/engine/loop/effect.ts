import type { ContextPlan } from "../context/plan.ts";
import type { DueHook } from "../hooks/port.ts";
import type { SessionChange } from "../session-change.ts";
import type { CallState } from "../state.ts";

/** What has to be performed outside of the store before the run can go on. */
export type Effect =
  | { kind: "call_model" }
  | { kind: "summarize"; plan: Extract<ContextPlan, { kind: "model_driven" }> }
  /** Hooks that may steer what comes next. */
  | { kind: "call_hooks"; due: DueHook[] }
  /** Dispatched: their start is on disk. */
  | { kind: "run_tools"; calls: CallState[] }
  /** Lost calls whose outcome can be read back. */
  | { kind: "read_back"; calls: CallState[] }
  /** Nothing to do until the session's queue item is due again. */
  | { kind: "later" }
  /** Rows in the store and nothing in memory. */
  | { kind: "suspended" }
  | { kind: "settled" };

/** A call of a model. */
export type ModelEffect = Extract<Effect, { kind: "call_model" | "summarize" }>;

/** What is written when it has been performed. */
export type Outcome = (change: SessionChange) => void | Promise<void>;
