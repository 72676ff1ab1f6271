import type { LogEntry } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { oneLine } from "../output/text.ts";
import { timeOfDay } from "../output/time.ts";

/** One line of the daemon's log a line, oldest first. */
export function logLines(entries: readonly LogEntry[], { colors }: Style): string {
  return entries.map((entry) => `${colors.dim(timeOfDay(entry.timestamp_ms))}  ${logText(entry)}`).join("\n");
}

export function logText({ level, target, message, fields = {} }: LogEntry): string {
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
  return oneLine(`${level} ${target === "kheish" ? "" : `${target}: `}${message}${shown.join("")}`);
}
