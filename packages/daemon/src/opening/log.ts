import { LogRing } from "../features/logs/index.ts";
import { Redactor } from "../governance/redaction/redactor.ts";
import type { ServeOptions } from "../surface/cli/serve-options.ts";
import { createLog } from "../surface/log.ts";
import { passwordsIn } from "./store.ts";

export interface Logging {
  log: ReturnType<typeof createLog>;
  /** The newest lines, for whoever asks. */
  lines: LogRing;
  /** Takes the daemon's secrets out of whatever is told; it has those of the options. */
  redactor: Redactor;
}

/** The log on standard error. No secret stands in a line of it. */
export function openLog(options: ServeOptions): Logging {
  const { logFormat, logLevel } = options;
  const redactor = new Redactor();
  redactor.hold("http-tokens", [options.adminToken, options.readonlyToken]);
  redactor.hold("store", passwordsIn(options.store));
  const lines = new LogRing();
  const log = createLog({
    level: logLevel,
    format: logFormat === "auto" ? (process.stderr.isTTY ? "pretty" : "json") : logFormat,
    write: (line) => process.stderr.write(line),
    redact: (line) => redactor.jsonLine(line),
    keep: (line) => lines.add(line),
  });
  return { log, lines, redactor };
}
