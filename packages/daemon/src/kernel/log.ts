type Line = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** A line for the operator's log; fields hold ids, never content or secrets. pino fits. */
export interface Log {
  debug: Line;
  info: Line;
  warn: Line;
  error: Line;
}
