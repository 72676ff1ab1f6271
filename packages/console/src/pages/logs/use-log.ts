import type { LogEntry, LogLevel, StreamFrame } from "@kheish/sdk";
import { kheish } from "../../app/client.ts";
import { useFolded } from "../../app/use-folded.ts";

/** As many as the daemon keeps. */
export const KEPT = 5_000;

export interface Filter {
  level?: LogLevel | undefined;
  target?: string | undefined;
  text?: string | undefined;
}

export interface Line extends LogEntry {
  /** Its place in the log. */
  place: string;
}

export interface Log {
  lines: readonly Line[];
  /** Written too fast to be told, or before this page came back. */
  skipped: number;
}

const NOTHING: Log = { lines: [], skipped: 0 };

/** What the log has that passes, and each line more as it is written. The daemon filters. */
export function useLog(filter: Filter): { state: Log; error: unknown } {
  return useFolded(
    JSON.stringify(filter),
    (cursor, signal) =>
      kheish().api.logStream({ query: { ...filter, cursor: cursor === "start" ? "0" : cursor }, signal }),
    NOTHING,
    withFrames,
  );
}

/** Exported for its test. */
export function withFrames(log: Log, frames: readonly StreamFrame[]): Log {
  const lines: Line[] = [];
  let { skipped } = log;
  for (const { id, data } of frames) {
    if (data.type === "log") lines.push({ ...data.log, place: id ?? "" });
    if (data.type === "stream_gap") skipped += data.skipped;
  }
  return { lines: [...log.lines, ...lines].slice(-KEPT), skipped };
}
