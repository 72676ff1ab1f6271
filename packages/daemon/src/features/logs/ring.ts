import type { LogEntry } from "@kheish/contract";

/** 02, Limits: what is kept, and what is shown to whoever names no number. */
export const LOG_CAPACITY = 5_000;
export const LOG_DEFAULT = 1_000;

/** pino's levels by their numbers; what is graver than an error is one. */
const LEVELS: readonly (readonly [number, LogEntry["level"]])[] = [
  [50, "error"],
  [40, "warn"],
  [30, "info"],
  [20, "debug"],
  [0, "trace"],
];
const OWN = new Set(["level", "time", "msg", "pid", "hostname", "target"]);

/** The newest lines of this process' log, in memory; the oldest go first (08-R10). They are read only when asked for. */
export class LogRing {
  readonly #lines: string[] = [];
  #next = 0;

  /** A line as pino writes it: what the log's level lets through and no secret is in any more. */
  add(line: string): void {
    this.#lines[this.#next % LOG_CAPACITY] = line;
    this.#next += 1;
  }

  /** Up to `limit` of the newest, oldest first. */
  newest(limit: number): LogEntry[] {
    const from = Math.max(0, this.#next - Math.min(limit, LOG_CAPACITY));
    return Array.from({ length: this.#next - from }, (_, index) =>
      entryOf(this.#lines[(from + index) % LOG_CAPACITY] ?? "{}"),
    );
  }
}

function entryOf(line: string): LogEntry {
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
