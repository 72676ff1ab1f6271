import type { Check } from "../commands/doctor/check.ts";
import type { DoctorReport } from "../commands/doctor/report.ts";
import type { Style } from "../output/output.ts";
import { oneLine } from "../output/text.ts";
import { paintSeverity } from "./severity.ts";

export function reportText(report: DoctorReport, style: Style): string {
  const waiting = `${report.pending_approvals} approvals and ${report.pending_questions} questions wait`;
  return [
    ...report.checks.flatMap((check) => checkLines(check, style)),
    "",
    style.colors.dim(`${report.session_count} sessions; ${waiting}`),
  ].join("\n");
}

export function checkLines(check: Check, { colors }: Style): string[] {
  const word = check.ok ? colors.green("ok") : paintSeverity(check.severity, colors);
  const line = `${word}  ${check.name}: ${oneLine(check.message)}`;
  return check.action === undefined ? [line] : [line, colors.dim(`    ${oneLine(check.action)}`)];
}
