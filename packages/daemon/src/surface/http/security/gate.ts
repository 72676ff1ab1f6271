import { type Access, type Problem, problem } from "@kheish/contract";
import type { Principal } from "../../../features/binding.ts";
import { type AuthSettings, isAuthEnabled } from "./auth-settings.ts";
import type { Caller } from "./caller.ts";
import { WINDOW_MS } from "./failure-limiter.ts";
import type { AuthFailure, RefusalLog } from "./refusal-log.ts";
import { loadTokens, matches, tokenDigest } from "./tokens.ts";

const ADMIN: Principal = Object.freeze({ id: "admin-token", access: "admin" });
const READER: Principal = Object.freeze({ id: "read-token", access: "read" });
const UNKNOWN: Principal = Object.freeze({ id: "anonymous", access: "anonymous" });
/** With auth off whoever reaches the daemon is its operator. */
const OPERATOR: Principal = Object.freeze({ id: "anonymous", access: "admin" });

/** The scheme is case-insensitive; the token is one word (02-R85). */
const BEARER = /^bearer +(\S+)$/i;

const DETAILS: Record<AuthFailure, string> = {
  missing_token: "send 'Authorization: Bearer <token>'",
  malformed_token: "the Authorization header is not of the form 'Bearer <token>'",
  invalid_token: "the token is not one of this daemon's",
  insufficient_access: "the read-only token cannot do this; use the admin token",
};

interface GateOptions {
  auth: AuthSettings;
  readFile: (path: string) => Promise<string>;
  refusals: RefusalLog;
}

/** Decides who a caller is and whether that is enough (02-R83 to R89). */
export class Gate {
  readonly #options: GateOptions;
  readonly #enabled: boolean;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#enabled = isAuthEnabled(options.auth);
  }

  /** The caller as a principal with at least the access asked for; throws the typed refusal otherwise. */
  async admit(caller: Caller, required: Access): Promise<Principal> {
    if (required === "none") return UNKNOWN;
    if (!this.#enabled) return OPERATOR;
    const found = await this.#identify(caller.authorization);
    if (typeof found === "string") throw this.#refuse(caller, found, required);
    if (required === "admin" && found !== ADMIN) throw this.#refuse(caller, "insufficient_access", required);
    return found;
  }

  async #identify(authorization: string | undefined): Promise<Principal | AuthFailure> {
    if (authorization === undefined) return "missing_token";
    const token = BEARER.exec(authorization.trim())?.[1];
    if (token === undefined) return "malformed_token";
    const tokens = await loadTokens(this.#options.auth, this.#options.readFile);
    if (tokens.duplicate) return "invalid_token";
    const presented = tokenDigest(token);
    if (matches(tokens.admin, presented)) return ADMIN;
    return matches(tokens.readOnly, presented) ? READER : "invalid_token";
  }

  #refuse(caller: Caller, reason: AuthFailure, required: "read" | "admin"): Problem {
    const limited = this.#options.refusals.record(caller, reason, {
      required_access: required === "read" ? "read_only" : "admin",
    });
    return limited ? tooManyFailures() : refusal(reason);
  }
}

/** A 401 asks for a token; a 403 knows who calls and does not (02-R88). */
function refusal(reason: AuthFailure): Problem {
  const challenge = { "www-authenticate": 'Bearer realm="kheish-daemon"' };
  return problem(
    "auth",
    reason,
    DETAILS[reason],
    reason === "insufficient_access" ? {} : { headers: challenge },
  );
}

function tooManyFailures(): Problem {
  const seconds = WINDOW_MS / 1000;
  return problem("auth", "rate_limited", `too many refused requests; wait ${seconds} seconds`, {
    headers: { "retry-after": String(seconds) },
  });
}
