import type { Checkpoint, RunCounters, Summary } from "../events.ts";
import { isUntouched } from "../hooks/state.ts";
import { digest } from "../ledger.ts";
import type { RunState, SessionState } from "../state.ts";
import { paddedTokens } from "./estimate.ts";
import type { ContextPlan } from "./plan.ts";

/** What must survive the fold's new start; the checkpoint holds counters and offsets, never messages. */
function counters(run: RunState): RunCounters {
  return {
    turn: run.turn,
    usage: run.usage,
    output_nudges: run.output_nudges,
    requirement_nudges: run.requirement_nudges,
    contract_repairs: run.contract_repairs,
    files_modified: [...run.files_modified],
    fallback_active: run.fallback_active,
    ...(run.fallback === undefined ? {} : { fallback: run.fallback }),
    started_seq: run.started_seq,
    input_seq: run.input_seq,
    worked: run.worked,
    ...(isUntouched(run.hooks) ? {} : { hooks: run.hooks }),
  };
}

/** A checkpoint whose prompt begins at `headSeq`. Without a new summary the earlier one is carried on. */
export function checkpointAt(
  state: SessionState,
  run: RunState,
  plan: Extract<ContextPlan, { headSeq: number }>,
  summary?: Summary,
): Checkpoint {
  const earlier = state.checkpoint?.checkpoint;
  const kept = summary ?? earlier?.summary;
  const preTokens = plan.kind === "snip" ? paddedTokens(state.entries) : plan.preTokens;
  const head = state.entries.filter((entry) => entry.seq >= plan.headSeq);
  return {
    head_seq: plan.headSeq,
    ...(kept === undefined ? {} : { summary: kept }),
    strategy: plan.kind,
    trigger: plan.kind === "model_driven" ? plan.trigger : "auto",
    pre_tokens: preTokens,
    post_tokens: paddedTokens(head),
    messages_removed: (earlier?.messages_removed ?? 0) + plan.removed,
    digest: digest([earlier?.digest ?? "", plan.headSeq, kept?.content ?? ""]),
    todos: state.todos,
    ...(state.rules.length === 0 ? {} : { rules: [...state.rules] }),
    ...(state.skills.length === 0 ? {} : { skills: state.skills.map(({ seq }) => seq) }),
    run: counters(run),
  };
}
