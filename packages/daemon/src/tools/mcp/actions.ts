import type { ExternalAction } from "../../engine/audit-port.ts";
import { digest } from "../../engine/index.ts";

/** Keeps what leaves and what came of it; rejects when there can be no record, and then nothing leaves (02-R80). */
export type ActionSink = (action: ExternalAction) => Promise<void>;

/** Who acts where no run asked: the daemon itself. */
const DAEMON = "daemon";

/** A call of a tool, as the ledger names it. */
export function toolTarget(server: string, tool: string): string {
  return `mcp:${server}/${tool}`;
}

/**
 * Tells the ledger of a request that no run makes, and of what became of it: digests, never content (03-R66). What a run
 * asks is accounted for with the run's own commits.
 */
export async function recorded<T>(
  sink: ActionSink,
  target: string,
  request: unknown,
  work: () => Promise<T>,
  failureOf: (value: T) => string | undefined = () => undefined,
): Promise<T> {
  const action = { principal_id: DAEMON, kind: "mcp", target };
  const failed = (outcome: string) => sink({ ...action, phase: "failed", outcome });
  await sink({ ...action, phase: "request", request_digest: digestOf(request) });
  let value: T;
  try {
    value = await work();
  } catch (error) {
    await failed("failed:transport");
    throw error;
  }
  const failure = failureOf(value);
  if (failure !== undefined) await failed(failure);
  else await sink({ ...action, phase: "response", outcome: "ok", response_digest: digestOf(value) });
  return value;
}

function digestOf(value: unknown): string {
  return digest(JSON.parse(JSON.stringify(value) ?? "null"));
}
