import { settleCut } from "../budgets/settle.ts";
import { closeCalls } from "../close-calls.ts";
import { queueHead } from "../commands/transact.ts";
import { auditLost } from "../external-actions.ts";
import { afterRun } from "../goals/after-run.ts";
import { announce } from "../hooks/announce.ts";
import { textOf } from "../messages.ts";
import { dropRunRules } from "../permissions/session-rules.ts";
import type { SessionChange } from "../session-change.ts";
import { settleRun } from "../transitions.ts";
import { addUsage } from "../usage.ts";
import type { Driver } from "./driver.ts";

/**
 * The final answer: outputs for each reply target, the terminal event, and the next run's start, in one commit.
 * What an output contract made of the answer stands in the journal once, however many targets it goes to.
 */
export async function completeRun(
  driver: Driver,
  change: SessionChange,
  structured: string | undefined,
): Promise<void> {
  const { run, runState } = driver;
  const { message_seq: answerSeq, usage, last_message: answer } = runState;
  await driver.sessionFor(change);
  const outputSeqs = [...run.data.output_seqs];
  const conformed =
    structured === undefined
      ? {}
      : {
          conformed_seq: change.emit("answer_conformed", {
            run_id: run.id,
            message_seq: answerSeq,
            content: structured,
          }),
        };
  const targets = run.data.reply_targets.length > 0 ? run.data.reply_targets : [undefined];
  if (answer !== undefined && textOf(answer) !== "") {
    for (const target of targets) {
      outputSeqs.push(
        change.emit("output", {
          run_id: run.id,
          source_kind: "assistant_text",
          message_seq: answerSeq,
          ...conformed,
          ...(target === undefined ? {} : { plugin: target.plugin }),
          address: target?.address ?? null,
        }),
      );
    }
  }
  change.updateSession({ usage: addUsage(change.session.usage, usage) });
  dropRunRules(change, driver.state.rules, run.data);
  const next = await queueHead(driver.deps.store, change.session);
  settleRun(
    change,
    run,
    { status: "completed", usage, output_seqs: outputSeqs, answer_seq: answerSeq },
    next,
  );
  await afterRun(driver.deps, change, run, { kind: "completed", toolCalls: usage.tool_calls });
}

export async function failRun(
  driver: Driver,
  change: SessionChange,
  error: string,
  passing: boolean,
  code?: string,
): Promise<void> {
  await giveUp(driver, change, "failed", error, code);
  announce(driver.deps.hooks, change, driver.session, "stop_failure", {
    runId: driver.run.id,
    subject: code ?? "",
    place: "stop_failure",
    payload: { error, ...(code === undefined ? {} : { error_code: code }) },
  });
  await afterRun(driver.deps, change, driver.run, { kind: "failed", passing });
}

/** The goal that the run worked for is out of budget: the run ends where it stands (01, weakness 4). */
export async function stopRun(driver: Driver, change: SessionChange, reason: string): Promise<void> {
  await giveUp(driver, change, "interrupted", reason);
  await afterRun(driver.deps, change, driver.run, { kind: "out_of_budget" });
}

async function giveUp(
  driver: Driver,
  change: SessionChange,
  status: "failed" | "interrupted",
  error: string,
  code?: string,
): Promise<void> {
  const { run, runState } = driver;
  await driver.sessionFor(change);
  closeCalls(change, runState, "given up", (call) => auditLost(change, run.data, driver.deps.tools, call));
  dropRunRules(change, driver.state.rules, run.data);
  settleCut(change, run.id, runState);
  const { usage } = runState;
  change.updateSession({ usage: addUsage(change.session.usage, usage) });
  const next = await queueHead(driver.deps.store, change.session);
  const error_code = code === undefined ? {} : { error_code: code };
  // It may have fallen back in this very change.
  const data = change.landed("run", run.id)?.data ?? run.data;
  settleRun(change, { ...run, data }, { status, error, usage, ...error_code }, next);
}
