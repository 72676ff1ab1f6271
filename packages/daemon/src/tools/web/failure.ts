import { AuditRefused } from "../../engine/index.ts";
import { OutboundRefused, type RefusalClass } from "../../governance/outbound/refused.ts";
import { errnoOf } from "../../kernel/errno.ts";
import { systemErrorCode, ToolFailure } from "../failure.ts";

const UNRESOLVED = new Set(["ENOTFOUND", "EAI_AGAIN", "EAI_FAIL", "EAI_NODATA", "EAI_NONAME"]);
const UNREACHED = new Set([
  ...["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EADDRNOTAVAIL", "ETIMEDOUT", "EACCES"],
  // Of several addresses none answered.
  "ERR_SOCKET_CONNECTION_TIMEOUT",
]);
const BROKEN = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);
/** Of certificates and of TLS; `EPROTO` is what speaks no TLS at all. */
const UNPROVEN = /CERT|SELF_SIGNED|^UNABLE_TO_|^ERR_TLS_|^ERR_SSL_|^HOSTNAME_MISMATCH|^EPROTO$/;
const NO_HTTP = /^HPE_/;

/**
 * Runs a request to the web; what became of one that failed is a refusal with its class, never a message of the system.
 * A stop stays a stop.
 */
export async function outbound<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw failureOf(error);
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof OutboundRefused) return webFailure(error.failureClass, error.message);
  if (error instanceof AuditRefused) return webFailure("permission", error.message);
  if (error instanceof AggregateError && error.errors.length > 0) return failureOf(error.errors[0]);
  const code = errnoOf(error);
  if (code === undefined) return error;
  if (UNRESOLVED.has(code)) return webFailure("connect", `the host has no address (${code})`);
  if (UNREACHED.has(code)) return webFailure("connect", `the host cannot be reached (${code})`);
  if (UNPROVEN.test(code)) return webFailure("connect", `the host does not prove who it is (${code})`);
  if (NO_HTTP.test(code)) return webFailure("decode", `the answer is no valid HTTP (${code})`);
  if (BROKEN.has(code)) return webFailure("transport", `the answer broke off (${code})`);
  return systemErrorCode(error) === undefined
    ? error
    : webFailure("transport", `the connection failed (${code})`);
}

export function webFailure(failureClass: RefusalClass, message: string): ToolFailure {
  return new ToolFailure(message, { failure_class: failureClass });
}
