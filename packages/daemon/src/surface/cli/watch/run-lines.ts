import { isTerminal, isWaiting, type RunView } from "@kheish/contract";
import { compactJson, type Style } from "../output/output.ts";
import { oneLine, printable, truncate } from "../output/text.ts";
import { duration } from "../output/time.ts";
import { questionText } from "../views/question.ts";
import { runModel, tokensText } from "../views/run.ts";
import { paintStatus, statusText } from "../views/status-color.ts";
import type { WatchView } from "./view.ts";

export function headerLine(run: RunView, { colors, columns }: Style): string {
  const rest = [`session ${run.session_id}`, runModel(run)].filter((part) => part !== "").join(", ");
  const room = columns - run.run_id.length - 2;
  return `${colors.bold(run.run_id)}  ${colors.dim(truncate(oneLine(rest), Math.max(1, room)))}`;
}

/** What a run waits for, and how to let it go on. */
export function waitingLines(run: RunView, { style, answers }: WatchView): string[] {
  if (!isWaiting(run.status)) return [];
  const { colors, columns } = style;
  const approvals = (run.pending_approvals ?? []).map(({ tool_name, input, reason }) =>
    truncate(`  ${tool_name} ${oneLine(compactJson(input))}  (${oneLine(reason)})`, columns),
  );
  const questions = (run.pending_questions ?? []).flatMap((request) =>
    request.questions.flatMap((question) => questionText(question, style).split("\n")),
  );
  return [
    "",
    paintStatus(statusText(run.status), run.status, colors),
    ...approvals,
    ...questions,
    ...answers(run).map((command) => colors.cyan(`  ${command}`)),
  ];
}

/** What a run that is over has answered. */
export function answerLines(run: RunView): string[] {
  const answer = isTerminal(run.status) ? run.outputs?.at(-1)?.content : undefined;
  return answer === undefined || answer === "" ? [] : ["", ...printable(answer).split("\n")];
}

export function endingLines(run: RunView, { colors }: Style): string[] {
  const from = run.started_at_ms ?? run.submitted_at_ms;
  const took = run.finished_at_ms === undefined ? "" : ` after ${duration(run.finished_at_ms - from)}`;
  const tokens = run.usage === undefined ? "" : `, ${tokensText(run.usage)}`;
  const error =
    run.error === undefined
      ? []
      : printable(run.error)
          .split("\n")
          .map((line) => colors.red(`  ${line}`));
  return ["", `${paintStatus(statusText(run.status), run.status, colors)}${took}${tokens}`, ...error];
}
