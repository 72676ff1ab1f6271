import { isIPv6 } from "node:net";
import type { Clock } from "../../../kernel/clock.ts";
import type { Log } from "../../../kernel/log.ts";
import type { Caller } from "./caller.ts";
import { FailureLimiter } from "./failure-limiter.ts";

export type AuthFailure = "missing_token" | "malformed_token" | "invalid_token" | "insufficient_access";
export type RefusalReason = AuthFailure | "origin_not_allowed";

/** One line of the control-plane audit. No token, no query string, no body. */
export interface SecurityEvent {
  timestamp_ms: number;
  event: "auth_failure" | "auth_rate_limited" | "cors_origin_rejected" | "cors_origin_rate_limited";
  method: string;
  path: string;
  reason: RefusalReason;
  origin?: string;
  remote_addr?: string;
  required_access?: "read_only" | "admin";
  /** Whose token was good but not enough. */
  principal?: string;
}

type Details = Pick<SecurityEvent, "origin" | "required_access" | "principal">;

const AUTH_EVENTS = ["auth_failure", "auth_rate_limited"] as const;
const CORS_EVENTS = ["cors_origin_rejected", "cors_origin_rate_limited"] as const;

interface RefusalLogOptions {
  clock: Clock;
  logger: Log;
  onSecurityEvent?: (event: SecurityEvent) => void;
}

/** Tells of refused callers, one reason and address at a time, and stops telling when it becomes a flood. */
export class RefusalLog {
  readonly #options: RefusalLogOptions;
  readonly #limiter: FailureLimiter;

  constructor(options: RefusalLogOptions) {
    this.#options = options;
    this.#limiter = new FailureLimiter(options.clock);
  }

  /** Answers whether this caller has failed so often that it is limited now. */
  record(caller: Caller, reason: RefusalReason, details: Details = {}): boolean {
    const verdict = this.#limiter.fail(`${reason} ${networkOf(caller.remoteAddress ?? "")}`);
    if (verdict !== "limited") this.#tell(caller, reason, details, verdict === "limited_from_now");
    return verdict !== "counted";
  }

  #tell(caller: Caller, reason: RefusalReason, details: Details, limited: boolean): void {
    const [failed, silenced] = reason === "origin_not_allowed" ? CORS_EVENTS : AUTH_EVENTS;
    const event: SecurityEvent = {
      timestamp_ms: this.#options.clock.now(),
      event: limited ? silenced : failed,
      method: caller.method,
      path: caller.path,
      reason,
      ...details,
      ...(caller.remoteAddress !== undefined && { remote_addr: caller.remoteAddress }),
    };
    this.#options.logger.warn({ ...event }, "refused a caller of the control plane");
    this.#options.onSecurityEvent?.(event);
  }
}

/** Whoever has one IPv6 address has the 2^64 of its network; they count as one caller. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [, head = "", tail = ""] = /^(.*?)(?:::(.*))?$/.exec(address) ?? [];
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = address.includes("::") ? 8 - groups(head).length - groups(tail).length : 0;
  return [...groups(head), ...Array(Math.max(0, missing)).fill("0"), ...groups(tail)].slice(0, 4).join(":");
}
