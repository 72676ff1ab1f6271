import { urlTarget } from "../../engine/action-target.ts";
import type { ExternalAction } from "../../engine/audit-port.ts";
import { OutboundRefused } from "../outbound/refused.ts";
import type { AuditLedger } from "./ledger.ts";
import { sha256 } from "./record.ts";

type Fetch = typeof globalThis.fetch;

/** Who acts where nobody asked: the daemon itself. */
const DAEMON = "daemon";

/**
 * `fetch` for what the daemon asks by itself and for no run: catalogues, tokens. Its request is on record before it
 * leaves, and what came of it when that is known (02-R74). Rejects with `AuditRefused`, and sends nothing, when the ledger
 * cannot vouch for it (02-R80). `kind` is that of its records.
 */
export function auditedFetch(ledger: Pick<AuditLedger, "record">, kind: string, fetch: Fetch): Fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const action = { principal_id: DAEMON, kind, target: urlTarget(request.url) };
    await ledger.record({ ...action, phase: "request", request_digest: await digestOf(request.clone()) });
    try {
      const response = await fetch(request);
      await ledger.record({ ...action, ...outcomeOf(response) });
      return response;
    } catch (error) {
      await ledger.record({ ...action, phase: "failed", outcome: failureOf(error, request.signal) });
      throw error;
    }
  };
}

/** Of method, URL and body; headers, which may hold a credential, are no part of it. */
async function digestOf(request: Request): Promise<string> {
  return sha256(`${request.method} ${request.url}\n${await request.text()}`);
}

function outcomeOf({ ok, status }: Response): Pick<ExternalAction, "phase" | "outcome"> {
  if (ok) return { phase: "response", outcome: "ok" };
  if (status === 401) return { phase: "failed", outcome: "failed:unauthorized" };
  return { phase: "failed", outcome: status === 403 ? "failed:permission" : "failed:status" };
}

/** By what the error is, never by its words (02, weakness 22). */
function failureOf(error: unknown, signal: AbortSignal): string {
  if (error instanceof OutboundRefused) return `failed:${error.failureClass}`;
  if (signal.aborted)
    return nameOf(signal.reason) === "TimeoutError" ? "failed:timeout" : "failed:interrupted";
  return error instanceof TypeError ? "failed:connect" : "failed:internal";
}

function nameOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.name : undefined;
}
