import { z } from "zod";
import { Millis } from "./json.ts";

export const LogsQuery = z.object({
  limit: z.string().optional().describe("the newest n, at most 5000; 1000 when left out"),
});

/** One line of the daemon's log, kept in memory only. */
export const LogEntry = z
  .object({
    timestamp_ms: Millis,
    level: z.enum(["error", "warn", "info", "debug", "trace"]),
    target: z.string(),
    message: z.string(),
    fields: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: "LogEntry" });
export type LogEntry = z.infer<typeof LogEntry>;
export const LogEntries = z.array(LogEntry);
