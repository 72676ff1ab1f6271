import type { DaemonOutputRecord, Json, RunStatus, RunView, UsageTotals } from "@kheish/contract";

/** A run that is over. */
export interface RunResult {
  run: RunView;
  status: RunStatus;
  /** The final answer; empty when there is none. */
  output_text: string;
  /** The final answer as JSON, where the session has an output contract. */
  structured_output: Json | undefined;
  outputs: DaemonOutputRecord[];
  usage: UsageTotals | undefined;
  /** Why it did not complete. */
  error: string | undefined;
}

export function resultOf(run: RunView): RunResult {
  const outputs = run.outputs ?? [];
  // The answer goes to each reply target: several outputs, one text.
  const answer = outputs.findLast(({ source_kind }) => source_kind === "assistant_text");
  return {
    run,
    status: run.status,
    output_text: answer?.content ?? "",
    structured_output: answer?.metadata?.structured_output,
    outputs,
    usage: run.usage,
    error: run.error,
  };
}
