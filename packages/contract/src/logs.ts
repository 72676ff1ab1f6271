import { z } from "zod";
import { Millis } from "./json.ts";
import { readByService } from "./pagination.ts";

export const LogLevel = z.enum(["error", "warn", "info", "debug", "trace"]);
export type LogLevel = z.infer<typeof LogLevel>;

/** Which lines are meant; each part that is given must hold. */
const filter = {
  level: LogLevel.optional().describe("this one and graver ones"),
  target: z
    .string()
    .optional()
    .describe("lines of this target and of those below it, as in 'mcp' and 'mcp.stdio'"),
  text: z.string().optional().describe("lines with this text in message or fields, in any case"),
};

export const LogsQuery = z.object({
  limit: readByService("^(0*[1-9][0-9]*)?$")
    .optional()
    .describe("the newest n, at most 5000; 1000 when left out"),
  ...filter,
});

export const LogStreamQuery = z.object({
  cursor: z
    .string()
    .optional()
    .describe("begin behind this line; 0 = with the oldest kept; left out = with the next"),
  ...filter,
});

/** One line of the daemon's log. The newest 5000 are kept, across restarts. */
export const LogEntry = z
  .object({
    timestamp_ms: Millis,
    level: LogLevel,
    target: z.string(),
    message: z.string(),
    fields: z.record(z.string(), z.string()).optional(),
  })
  .meta({ id: "LogEntry" });
export type LogEntry = z.infer<typeof LogEntry>;
export const LogEntries = z.array(LogEntry);
