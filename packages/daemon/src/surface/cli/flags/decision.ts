import { type ApprovalResolution, Json } from "@kheish/contract";
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addJsonPair, readJsonPair } from "./json-pair.ts";
import { addWaitFlags, type WaitFlags } from "./wait.ts";

export type Behavior = ApprovalResolution["behavior"];

/** The flags of everything that decides about approvals. */
export interface DecisionFlags extends WaitFlags {
  justification?: string;
  reason?: string;
  idempotencyKey?: string;
  updatedInputJson?: string;
  updatedInputFile?: string;
}

const POLL_INTERVAL_MS = 500;

/** What decisions about one and about many approvals have in common. */
export function addBatchFlags(command: Command, behavior: Behavior): Command {
  command
    .option("--justification <text>", "recorded with the decision")
    .option("--idempotency-key <key>", "makes a repetition harmless");
  if (behavior === "deny") command.option("--reason <text>", "what the model is told");
  return addWaitFlags(command, POLL_INTERVAL_MS);
}

/** For the decision about one approval, which may also change what runs. */
export function addDecisionFlags(command: Command, behavior: Behavior): Command {
  return addJsonPair(addBatchFlags(command, behavior), "updated-input", "what to run instead");
}

export async function resolutionFrom(
  behavior: Behavior,
  requestId: string,
  flags: DecisionFlags,
  context: CliContext,
): Promise<ApprovalResolution> {
  const source = { json: flags.updatedInputJson, file: flags.updatedInputFile };
  const updatedInput = await readJsonPair(source, Json, "updated input", context);
  return {
    request_id: requestId,
    behavior,
    justification: flags.justification,
    reason: flags.reason,
    ...(updatedInput !== undefined && { updated_input: updatedInput }),
  };
}
