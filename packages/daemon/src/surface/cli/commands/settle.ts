import { isTerminal, isWaiting, type RunView } from "@kheish/contract";
import type { Cli } from "../cli.ts";
import type { DaemonClient } from "../client/client.ts";
import { CliError } from "../errors.ts";
import { ExitCode } from "../exit-codes.ts";
import { type WaitFlags, waitLimits } from "../flags/wait.ts";
import { runDetail } from "../views/run.ts";
import { statusText } from "../views/status-color.ts";
import { type WaitResult, waitForRun } from "../wait.ts";

/** Prints a run a command got back or, with `--wait`, the run it became. */
export async function printOrAwait(
  cli: Cli,
  client: DaemonClient,
  run: RunView,
  flags: WaitFlags,
): Promise<void> {
  if (flags.wait) return printSettled(cli, await awaitRun(cli, client, run.run_id, flags));
  cli.output.print(run, (view, style) => {
    const detail = runDetail(view, style);
    if (isTerminal(view.status)) return detail;
    return `${detail}\n\n${style.colors.dim(`watch it with: ${cli.hint("runs", "watch", view.run_id)}`)}`;
  });
}

export function awaitRun(
  cli: Cli,
  client: DaemonClient,
  runId: string,
  flags: WaitFlags,
): Promise<WaitResult> {
  const limits = waitLimits(flags, cli.context.env);
  const seconds = Math.ceil(limits.graceMs / 1_000);
  const onLost = (why: string) =>
    cli.context.terminal.err(`kheish: ${why}; waiting for it, at most ${seconds} s\n`);
  return waitForRun(client, runId, cli.context.clock, { ...limits, onLost });
}

/** Prints where a wait ended; throws what its exit code says (01, A4). */
export function printSettled(cli: Cli, result: WaitResult): void {
  if (result.run !== undefined) cli.output.print(result.run, runDetail);
  const failure = settlementFailure(cli, result);
  if (failure !== undefined) throw failure;
}

/** Why a wait did not end in a completed run; undefined when it did. */
export function settlementFailure(cli: Cli, { run, timedOut }: WaitResult): CliError | undefined {
  if (run === undefined) return new CliError("the time ran out before the daemon answered", ExitCode.timeout);
  if (isWaiting(run.status)) {
    return new CliError(
      `${run.run_id} is ${statusText(run.status)}`,
      ExitCode.waiting,
      answerHints(cli, run),
    );
  }
  if (timedOut) return new CliError(`${run.run_id} is still ${statusText(run.status)}`, ExitCode.timeout);
  if (!isTerminal(run.status) || run.status === "completed") return undefined;
  const reason = run.error === undefined ? "" : `: ${run.error}`;
  return new CliError(`${run.run_id} ended ${run.status}${reason}`, ExitCode.notCompleted);
}

/** The commands that let a waiting run go on. */
export function answerHints(cli: Cli, run: RunView): string[] {
  const inRun = ["--run-id", run.run_id];
  return [
    ...(run.pending_approval_ids ?? []).flatMap((id) => [
      cli.hint("approvals", "allow", id, ...inRun),
      cli.hint("approvals", "deny", id, ...inRun),
    ]),
    ...(run.pending_question_ids ?? []).map((id) =>
      cli.hint("questions", "answer", id, "--interactive", ...inRun),
    ),
  ];
}
