import type { Check } from "../commands/doctor/check.ts";
import type { DoctorReport } from "../commands/doctor/report.ts";
import type { Style } from "../output/output.ts";
import { counted, oneLine } from "../output/text.ts";
import { paintSeverity } from "./severity.ts";

export function reportText(report: DoctorReport, style: Style): string {
  const waiting = `${counted(report.pending_approvals, "approval")}, ${counted(report.pending_questions, "question")}`;
  return [
    ...report.checks.flatMap((check) => checkLines(check, style)),
    "",
    style.colors.dim(`${counted(report.session_count, "session")}; waiting: ${waiting}`),
  ].join("\n");
}

export function checkLines(check: Check, { colors }: Style): string[] {
  const word = check.ok ? colors.green("ok") : paintSeverity(check.severity, colors);
  const line = `${word}  ${check.name}: ${oneLine(check.message)}`;
  return check.action === undefined ? [line] : [line, colors.dim(`    ${oneLine(check.action)}`)];
}
