import type { LogEntry, LogLevel } from "@kheish/contract";

/** pino's levels by their numbers, the gravest first; what is graver than an error is one. */
const LEVELS: readonly (readonly [number, LogLevel])[] = [
  [50, "error"],
  [40, "warn"],
  [30, "info"],
  [20, "debug"],
  [0, "trace"],
];
const OWN = new Set(["level", "time", "msg", "pid", "hostname", "target"]);

/** A line as pino wrote it. */
export function entryOf(line: string): LogEntry {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const level = LEVELS.find(([number]) => Number(entry.level) >= number)?.[1] ?? "info";
  const fields = Object.entries(entry)
    .filter(([name]) => !OWN.has(name))
    .map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  return {
    timestamp_ms: Date.parse(String(entry.time)) || 0,
    level,
    target: String(entry.target ?? "kheish"),
    message: String(entry.msg ?? ""),
    ...(fields.length === 0 ? {} : { fields: Object.fromEntries(fields) as Record<string, string> }),
  };
}

export interface LogFilter {
  level?: LogLevel | undefined;
  target?: string | undefined;
  text?: string | undefined;
}

/** Whether a line is meant; a part of the filter that is not given asks for nothing. */
export function passes(entry: LogEntry, { level, target, text }: LogFilter): boolean {
  if (level !== undefined && gravity(entry.level) > gravity(level)) return false;
  if (
    target !== undefined &&
    target !== "" &&
    entry.target !== target &&
    !entry.target.startsWith(`${target}.`)
  )
    return false;
  if (text === undefined || text === "") return true;
  const wanted = text.toLowerCase();
  const texts = [entry.message, ...Object.entries(entry.fields ?? {}).flat()];
  return texts.some((one) => one.toLowerCase().includes(wanted));
}

function gravity(level: LogLevel): number {
  return LEVELS.findIndex(([, name]) => name === level);
}
