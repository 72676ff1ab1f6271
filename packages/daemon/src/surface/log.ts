import { type Logger, pino, stdTimeFunctions } from "pino";

export type LogFormat = "pretty" | "json";
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

const LABELS: Record<number, string> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};
/** Never shown as fields: pino's own. */
const OWN = new Set(["level", "time", "msg", "pid", "hostname"]);

/** The daemon's log. One JSON object a line, or the same as a sentence for a person at a terminal. */
export function createLog(options: {
  level: LogLevel;
  format: LogFormat;
  write: (line: string) => void;
  /** Takes secrets out of a line of JSON. */
  redact?: (line: string) => string;
  /** Gets each line as JSON, whatever the format. */
  keep?: (line: string) => void;
}): Logger {
  const { level, format, write, redact = (line) => line, keep } = options;
  return pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime },
    {
      write: (line) => {
        const clean = redact(line);
        keep?.(clean);
        write(format === "json" ? clean : prettyLine(clean));
      },
    },
  );
}

/** `12:00:00 warn  message key=value`. */
export function prettyLine(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const label = LABELS[Number(entry.level)] ?? "log";
  const time = String(entry.time).slice(11, 19);
  const fields = Object.entries(entry)
    .filter(([name]) => !OWN.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return `${time} ${label.padEnd(5)} ${String(entry.msg ?? "")}${fields.join("")}\n`;
}
