import { createHash } from "node:crypto";

/** Names a run for as long as its journal exists, in every process that ever works on it. */
export interface RunIdentity {
  run_id: string;
  session_id: string;
  /** Tells runs of different stores apart, which begin to count anew. */
  submitted_at_ms: number;
}

/** 16 bytes, hex: a run is one trace, however many processes it took. */
export function traceIdOf(run: RunIdentity): string {
  return digest(run, "trace").slice(0, 32);
}

/** 8 bytes, hex: the span that begins at this place of the session's journal; 0 is the run itself. */
export function spanIdOf(run: RunIdentity, seq: number): string {
  return digest(run, `span/${seq}`).slice(0, 16);
}

function digest({ run_id, session_id, submitted_at_ms }: RunIdentity, what: string): string {
  return createHash("sha256")
    .update(JSON.stringify([run_id, session_id, submitted_at_ms, what]))
    .digest("hex");
}
