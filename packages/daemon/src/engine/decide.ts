import { BUDGET_EXHAUSTED, HOOK_BLOCKED } from "@kheish/contract";
import { type ContextLimits, type ContextPlan, planContext } from "./context/plan.ts";
import { conform } from "./contracts/conform.ts";
import type { KeptOutputContract } from "./contracts/contracts.ts";
import { mayPass } from "./goals/passing.ts";
import { type HookView, withHooks } from "./hooks/due.ts";
import type { RunLimits } from "./limits.ts";
import { textOf, toolCallsOf } from "./messages.ts";
import type { CallState, RunState, SessionState } from "./state.ts";
import type { Step } from "./step.ts";

export interface DecideInput {
  limits: RunLimits;
  context: ContextLimits;
  /** Workspace-relative paths the run must have written before it may end (01-R36). */
  requiredFiles: readonly string[];
  /** What the final answer must be (01-R34). */
  outputContract?: KeptOutputContract;
  /** The run must stop: the goal it works for is spent. */
  outOfBudget?: boolean;
  /** Absent where there are no hooks. */
  hooks?: HookView;
  nowMs: number;
}

/** The one decision of the loop: a pure function of what is known. */
export function decide(state: SessionState, input: DecideInput): Step {
  const { run } = state;
  if (run === undefined) return { kind: "idle" };
  const step = withoutHooks(state, run, input);
  return input.hooks === undefined ? step : withHooks(state, run, step, input.hooks);
}

function withoutHooks(state: SessionState, run: RunState, input: DecideInput): Step {
  if (run.takeovers > input.limits.maxTakeovers) {
    return { kind: "fail", error: quarantined(run) };
  }
  if (run.hooks.blocked !== undefined) return { kind: "fail", error: run.hooks.blocked, code: HOOK_BLOCKED };
  if (run.model_given_up) {
    return { kind: "fail", error: modelFailure(run), ...(passes(run) ? { passing: true } : {}) };
  }
  const open = run.calls.filter((call) => call.phase !== "settled");
  if (open.length > 0) return nextForCalls(run, open);
  if (answered(state)) return afterAnswer(run, input);
  const { outputContract: contract } = input;
  if (contract !== undefined && isRepairing(run) && state.entries.at(-1)?.message.role === "tool") {
    return repair(run, contract, "$: a tool call is no answer");
  }
  return beforeModelCall(state, run, input);
}

/** A batch is decided whole before any call of it leaves (03-R29). */
function nextForCalls(run: RunState, open: CallState[]): Step {
  const undecided = open.filter((call) => call.phase === "requested");
  if (undecided.length > 0) return { kind: "authorize", calls: undecided };
  if (open.some((call) => call.phase === "asking_approval")) return { kind: "wait_for_approval" };
  const lost = open.filter((call) => call.phase === "dispatched");
  if (lost.length > 0) return { kind: "recover", calls: lost };
  if (run.question !== undefined) return { kind: "wait_for_answer" };
  return { kind: "run_tools", calls: open };
}

/** The newest message is an answer without calls. */
function answered(state: SessionState): boolean {
  const last = state.entries.at(-1)?.message;
  return last?.role === "assistant" && toolCallsOf(last).length === 0;
}

function afterAnswer(run: RunState, input: DecideInput): Step {
  const { limits, requiredFiles } = input;
  if (run.last_message?.finish_reason === "length") {
    if (run.output_nudges < limits.maxOutputNudges) {
      return {
        kind: "nudge",
        nudge: "output",
        text: "Your answer was cut at the output limit. Continue exactly where it stopped.",
      };
    }
    return { kind: "fail", error: `the answer was cut at the output limit ${run.output_nudges + 1} times` };
  }
  const missing = requiredFiles.filter((path) => !run.files_modified.has(path));
  if (missing.length === 0) return checkContract(run, input.outputContract);
  if (run.requirement_nudges < limits.maxRequirementNudges) {
    return {
      kind: "nudge",
      nudge: "requirement",
      text: `You are not done: write ${missing.join(", ")} with write_file or edit_file, then answer.`,
    };
  }
  return { kind: "fail", error: `completion requirement unmet: the run did not write ${missing.join(", ")}` };
}

/** Tools are withheld while an answer is repaired (01-R34). */
export function isRepairing(run: RunState): boolean {
  return run.contract_repairs > 0;
}

function checkContract(run: RunState, contract: KeptOutputContract | undefined): Step {
  if (contract === undefined) return { kind: "finish" };
  const answer = run.last_message === undefined ? "" : textOf(run.last_message);
  const conformed = conform(contract.schema, answer);
  return conformed.ok
    ? { kind: "finish", structured: conformed.text }
    : repair(run, contract, conformed.mismatch);
}

function repair(run: RunState, contract: KeptOutputContract, mismatch: string): Step {
  const attempts = run.contract_repairs;
  if (attempts < contract.max_repair_attempts) {
    return {
      kind: "nudge",
      nudge: "contract",
      text: `Your answer breaks its contract at ${mismatch}. Answer again with nothing but the whole corrected JSON value; you cannot call tools.`,
    };
  }
  return { kind: "fail", error: `output contract unmet after ${attempts} repairs: ${mismatch}` };
}

function beforeModelCall(state: SessionState, run: RunState, input: DecideInput): Step {
  if (run.budget_ask !== undefined) return { kind: "wait_for_approval" };
  if (run.budget_denied !== undefined) {
    return { kind: "fail", error: run.budget_denied, code: BUDGET_EXHAUSTED };
  }
  if (input.outOfBudget === true) return { kind: "stop", reason: "the goal's token budget is used up" };
  const { maxTurns } = input.limits;
  // Repairs have a count of their own (01-R34).
  if (maxTurns > 0 && run.turn >= maxTurns + run.contract_repairs) {
    return { kind: "fail", error: `the run reached its limit of ${maxTurns} turns`, passing: true };
  }
  const plan = planContext(state, run, input.context, input.nowMs);
  if (plan.kind === "none") return { kind: "call_model" };
  return isVetoed(run, plan) ? withoutCompaction(plan) : { kind: "shrink_context", plan };
}

/** A `pre_compact` hook refused to have this turn's prompt compacted (01-R78). */
function isVetoed({ hooks, turn }: RunState, { kind }: ContextPlan): boolean {
  const compacts = kind === "session_memory" || kind === "model_driven";
  return compacts && hooks.compact_vetoed && hooks.compact_turn === turn;
}

/** The prompt goes out as it is, unless it was refused as it is. */
function withoutCompaction(plan: ContextPlan): Step {
  if (plan.kind !== "model_driven" || plan.trigger === "auto") return { kind: "call_model" };
  const error = "the prompt is too long for the model, and a pre_compact hook refused to have it compacted";
  return { kind: "fail", error, code: HOOK_BLOCKED };
}

function passes({ last_model_error: error }: RunState): boolean {
  return error !== undefined && mayPass(error);
}

function modelFailure(run: RunState): string {
  const error = run.last_model_error;
  return `model call failed (${error?.class ?? "unknown"}): ${error?.message ?? "no detail"}`;
}

function quarantined(run: RunState): string {
  return `quarantined: the daemon stopped ${run.takeovers} times at this point of the run (turn ${run.turn}) without progress`;
}
