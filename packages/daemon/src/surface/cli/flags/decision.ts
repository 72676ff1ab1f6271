import { type ApprovalResolution, Json, Remember } from "@kheish/contract";
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { present } from "../present.ts";
import { durationMs } from "./duration.ts";
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
  remember?: Remember["scope"];
  rememberFor?: number;
  rememberPatternJson?: string;
  rememberPatternFile?: string;
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
  addJsonPair(addBatchFlags(command, behavior), "updated-input", "what to run instead")
    .addOption(
      new Option(
        "--remember <scope>",
        "answer the same tool with the same input likewise, in this run or session",
      ).choices(Remember.shape.scope.options),
    )
    .option(
      "--remember-for <duration>",
      "such as 12h, 30m; default: as long as the run or session",
      durationMs,
    );
  return addJsonPair(command, "remember-pattern", "remember whatever fits this, not only the same input");
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
    ...present({ remember: await rememberFrom(flags, context) }),
  };
}

async function rememberFrom(flags: DecisionFlags, context: CliContext): Promise<Remember | undefined> {
  const source = { json: flags.rememberPatternJson, file: flags.rememberPatternFile };
  const pattern = await readJsonPair(source, Remember.shape.pattern.unwrap(), "remember pattern", context);
  const { remember: scope, rememberFor } = flags;
  if (scope === undefined) {
    if (pattern === undefined && rememberFor === undefined) return undefined;
    throw new UsageError("say for how far to remember: --remember run or --remember session");
  }
  return {
    scope,
    match: pattern === undefined ? "exact" : "pattern",
    ...present({
      pattern,
      expires_at_ms: rememberFor === undefined ? undefined : context.clock.now() + rememberFor,
    }),
  };
}
