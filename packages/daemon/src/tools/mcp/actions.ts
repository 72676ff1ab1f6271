import { createHash } from "node:crypto";

/** One request to a server or its answer, as the external-action ledger keeps it (03-R66): digests, never content. */
export interface McpAction {
  phase: "request" | "response";
  /** `mcp:{server}/{tool}`, or `mcp:{what}:{server}` of what the daemon does by itself. */
  target: string;
  digest: string;
  /** Of a response. */
  outcome?: "ok" | "error" | "unknown";
  session_id?: string;
  run_id?: string;
}

export type ActionSink = (action: McpAction) => void;

/** Tells the ledger of a request and of what became of it. */
export async function recorded<T>(
  sink: ActionSink,
  about: { target: string; session_id?: string; run_id?: string },
  request: unknown,
  work: () => Promise<T>,
  outcomeOf: (value: T) => NonNullable<McpAction["outcome"]> = () => "ok",
): Promise<T> {
  sink({ ...about, phase: "request", digest: digestOf(request) });
  try {
    const value = await work();
    sink({ ...about, phase: "response", digest: digestOf(value), outcome: outcomeOf(value) });
    return value;
  } catch (error) {
    sink({ ...about, phase: "response", digest: digestOf(String(error)), outcome: "error" });
    throw error;
  }
}

function digestOf(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(value) ?? "")
    .digest("hex");
}
