import type { StatusWarning } from "@kheish/contract";
import type { Colors } from "../output/output.ts";

export function paintSeverity(severity: StatusWarning["severity"], colors: Colors): string {
  const paint = { info: colors.cyan, warning: colors.yellow, error: colors.red }[severity];
  return paint(severity);
}
