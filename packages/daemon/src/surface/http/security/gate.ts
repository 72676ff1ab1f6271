import { type Access, type Problem, problem, type Verb } from "@kheish/contract";
import type { Principal } from "../../../features/binding.ts";
import type { Presented } from "../../../features/browser-sessions/index.ts";
import { type Grant, grantsResource } from "../../../governance/access/grant.ts";
import { withSessionsOfRuns } from "../../../governance/access/run-resources.ts";
import type { Log } from "../../../kernel/log.ts";
import { type AuthSettings, isAuthEnabled } from "./auth-settings.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import type { Caller } from "./caller.ts";
import { WINDOW_MS } from "./failure-limiter.ts";
import type { NamedTokens } from "./named-tokens.ts";
import type { AuthFailure, RefusalLog } from "./refusal-log.ts";
import type { RequestLimiter } from "./request-limiter.ts";
import { loadTokens, matches, tokenDigest } from "./tokens.ts";

const ADMIN: Principal = Object.freeze({ id: "admin-token", access: "admin" });
const READER: Principal = Object.freeze({ id: "read-token", access: "read" });
const UNKNOWN: Principal = Object.freeze({ id: "anonymous", access: "anonymous" });
/** With auth off whoever reaches the daemon is its operator. */
const OPERATOR: Principal = Object.freeze({ id: "anonymous", access: "admin" });

/** The scheme is case-insensitive; the token is one word (02-R85). */
const BEARER = /^bearer +(\S+)$/i;

export function bearerOf(authorization: string): string | undefined {
  return BEARER.exec(authorization.trim())?.[1];
}

const DETAILS: Record<AuthFailure, string> = {
  missing_token: "send 'Authorization: Bearer <token>'",
  malformed_token: "the Authorization header is not of the form 'Bearer <token>'",
  invalid_token: "the token is not one of this daemon's",
  insufficient_access: "the read-only token cannot do this; use the admin token",
};

/** What an endpoint asks of its callers: of the two flat tokens an access, of a named one a verb. */
export interface Demand {
  access: Access;
  verb: Verb | undefined;
}

interface GateOptions {
  auth: AuthSettings;
  readFile: (path: string) => Promise<string>;
  logger: Log;
  refusals: RefusalLog;
  namedTokens: NamedTokens;
  browserSessions: BrowserSessions;
  requestLimiter: RequestLimiter;
}

/** A refusal with the words that help this caller. */
interface Refused {
  reason: AuthFailure;
  detail: string;
  principal?: string;
}

const SIGNED_OUT: Refused = {
  reason: "invalid_token",
  detail: "this browser is not signed in any more: sign in again",
};

/** Decides who a caller is and whether that is enough (02-R83 to R89). */
export class Gate {
  readonly #options: GateOptions;
  readonly #enabled: boolean;
  #duplicate = false;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#enabled = isAuthEnabled(options.auth);
  }

  /**
   * The caller as a principal with at least the access asked for; throws the typed refusal otherwise.
   * Nothing of the request but its headers has been read, so what a named token may do it to is for `authorize`.
   */
  async admit(caller: Caller, demand: Demand): Promise<Principal> {
    if (demand.access === "none") return UNKNOWN;
    const principal = this.#enabled ? await this.#known(caller, demand) : OPERATOR;
    this.#options.requestLimiter.spend(principal, caller.remoteAddress);
    return principal;
  }

  /** Refuses a named token for resources that it does not cover; those of runs are also their sessions'. */
  async authorize(
    caller: Caller,
    principal: Principal,
    demand: Demand,
    resourcesOfRequest: () => readonly string[],
  ): Promise<void> {
    const { grant } = principal;
    if (grant === undefined || demand.access === "known") return;
    const resources = resourcesOfRequest();
    if (grantsResource(grant, resources)) return;
    const { sessionOfRun } = this.#options.namedTokens;
    if (grantsResource(grant, await withSessionsOfRuns(resources, sessionOfRun))) return;
    const detail = `'${principal.id}' covers ${grant.resources.join(", ")}, not ${resources.join(" or ")}`;
    throw this.#refuse(caller, { reason: "insufficient_access", detail, principal: principal.id }, demand);
  }

  async #known(caller: Caller, demand: Demand): Promise<Principal> {
    const found = await this.#identify(caller);
    if ("reason" in found) throw this.#refuse(caller, found, demand);
    const lacking =
      found.grant === undefined ? flatLack(found, demand) : verbLack(found, found.grant, demand);
    if (lacking !== undefined) {
      const refused: Refused = { reason: "insufficient_access", detail: lacking, principal: found.id };
      throw this.#refuse(caller, refused, demand);
    }
    return found;
  }

  async #identify({ authorization, browserSession }: Caller): Promise<Principal | Refused> {
    if (authorization !== undefined) return this.#byToken(authorization);
    return browserSession === undefined ? refusedFor("missing_token") : this.#byBrowser(browserSession);
  }

  async #byToken(authorization: string): Promise<Principal | Refused> {
    const token = bearerOf(authorization);
    if (token === undefined) return refusedFor("malformed_token");
    const { namedTokens } = this.#options;
    return this.#holderOf(tokenDigest(token), () => namedTokens.authenticate(token));
  }

  /** Whoever stays signed in on a browser is the token that was exchanged for it, as that is now. */
  async #byBrowser(presented: Presented): Promise<Principal | Refused> {
    const { browserSessions, namedTokens } = this.#options;
    const behind = await browserSessions.behind(presented);
    if (behind === undefined) return SIGNED_OUT;
    const { tokenSha256, tokenId } = behind;
    const holder = await this.#holderOf(Buffer.from(tokenSha256, "hex"), async () =>
      tokenId === undefined ? undefined : namedTokens.grantOf(tokenId, tokenSha256),
    );
    return "reason" in holder ? SIGNED_OUT : holder;
  }

  async #holderOf(
    digest: Buffer,
    named: () => ReturnType<NamedTokens["authenticate"]>,
  ): Promise<Principal | Refused> {
    const tokens = await loadTokens(this.#options.auth, this.#options.readFile);
    this.#tellOfDuplicates(tokens.duplicate);
    if (tokens.duplicate) return refusedFor("invalid_token");
    if (matches(tokens.admin, digest)) return ADMIN;
    if (matches(tokens.readOnly, digest)) return READER;
    const found = await named();
    if (found === undefined) return refusedFor("invalid_token");
    if (found === "expired") return { reason: "invalid_token", detail: "the token has expired" };
    const { name, ...grant } = found;
    return { id: `token:${name}`, access: "token", grant };
  }

  /** Nobody can read the status then, so the log has to say why: once, until the tokens differ again. */
  #tellOfDuplicates(duplicate: boolean): void {
    if (duplicate && !this.#duplicate)
      this.#options.logger.error(
        {},
        "the admin and the read-only token are the same: every token is refused",
      );
    this.#duplicate = duplicate;
  }

  #refuse(caller: Caller, { reason, detail, principal }: Refused, { access }: Demand): Problem {
    const limited = this.#options.refusals.record(caller, reason, {
      required_access: access === "admin" ? "admin" : "read_only",
      ...(principal === undefined ? {} : { principal }),
    });
    return limited ? tooManyFailures() : refusal(reason, detail);
  }
}

function refusedFor(reason: AuthFailure): Refused {
  return { reason, detail: DETAILS[reason] };
}

function flatLack(principal: Principal, { access }: Demand): string | undefined {
  return access === "admin" && principal !== ADMIN ? DETAILS.insufficient_access : undefined;
}

function verbLack({ id }: Principal, { verbs }: Grant, { access, verb }: Demand): string | undefined {
  if (access === "known") return undefined;
  if (verb !== undefined && verbs.includes(verb)) return undefined;
  return `this takes the verb '${verb}', and '${id}' has ${verbs.join(", ")}`;
}

/** A 401 asks for a token; a 403 knows who calls and does not (02-R88). */
function refusal(reason: AuthFailure, detail: string): Problem {
  const challenge = { "www-authenticate": 'Bearer realm="kheish-daemon"' };
  return problem("auth", reason, detail, reason === "insufficient_access" ? {} : { headers: challenge });
}

function tooManyFailures(): Problem {
  const seconds = WINDOW_MS / 1000;
  return problem("auth", "rate_limited", `too many refused requests; wait ${seconds} seconds`, {
    headers: { "retry-after": String(seconds) },
  });
}
