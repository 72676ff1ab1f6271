import {
  type CreatedToken,
  type CreateTokenRequest,
  endpoints,
  problem,
  type RevokedTokens,
  type TokenView,
} from "@kheish/contract";
import type { AdminChange } from "../../engine/index.ts";
import { type Authority, type Grant, widerIn } from "../../governance/access/grant.ts";
import { covers } from "../../governance/access/resource-glob.ts";
import type { AuditLedger } from "../../governance/audit/index.ts";
import type { Redactor } from "../../governance/redaction/redactor.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { Op, Store, StoredEvent } from "../../kernel/store.ts";
import { type Actor, changerOf, type Principal } from "../binding.ts";
import {
  createdEvent,
  type KeptToken,
  NAME_KIND,
  revokedEvent,
  TOKEN_KIND,
  TOKENS_STREAM,
  type TokenRecord,
  type TokenUse,
  tokenView,
  USE_KIND,
} from "./records.ts";
import { claimedId, digestOf, isSameDigest, newToken } from "./secret.ts";

/** So many that one a service fits, so few that each list and each cascade is one read. */
const MAX_TOKENS = 1_000;
/** How late `last_used_at_ms` may be: a token that is in use costs one write in this time, not one a request. */
const USE_STALENESS_MS = 60_000;

export interface TokenServiceOptions {
  store: Store;
  audit: Pick<AuditLedger, "commitAdmin">;
  clock: Clock;
  random: Random;
  log: Log;
  /** Takes every token that this daemon gets to see out of what it says from then on. */
  redactor: Pick<Redactor, "remember">;
}

/** Named tokens: narrow, expiring, each revocable for itself (02-A7). */
export class TokenService {
  readonly #options: TokenServiceOptions;
  /** When this daemon last wrote down the use of a token. */
  readonly #seen = new Map<string, number>();
  readonly #revocationListeners = new Set<(tokenId: string) => void>();

  constructor(options: TokenServiceOptions) {
    this.#options = options;
  }

  /** Sorted by name. */
  async list(): Promise<TokenView[]> {
    const tokens = await this.#all();
    const uses = await this.#options.store.getMany<TokenUse>(
      USE_KIND,
      tokens.map((token) => token.id),
    );
    const useOf = new Map(uses.map((use) => [use.id, use.data]));
    return tokens.map((token) => tokenView(token.data, useOf.get(token.id)));
  }

  /** Refuses what its creator may not do itself, or may do for less time. */
  async create(request: CreateTokenRequest, actor: Actor): Promise<CreatedToken> {
    const { store, audit, clock, random, redactor } = this.#options;
    refuseUnknownCreator(actor.principal);
    refuseUnknownResources(request.resources);
    const { grant } = actor.principal;
    const now = clock.now();
    const expiresAtMs = expiryOf(request, now) ?? grant?.expiresAtMs;
    const authority: Authority = {
      verbs: request.verbs,
      resources: request.resources,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    };
    if (grant !== undefined) refuseWider(grant, authority);
    const { tokenId, secret } = newToken(random);
    const token: TokenRecord = {
      token_id: tokenId,
      name: request.name,
      verbs: [...new Set(request.verbs)],
      resources: [...new Set(request.resources)],
      secret_sha256: digestOf(secret),
      created_at_ms: now,
      created_by: actor.principal.id,
      ...(grant === undefined ? {} : { parent_token_id: grant.tokenId }),
      ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }),
    };
    if ((await store.count(TOKEN_KIND, { index: "name" })) >= MAX_TOKENS)
      throw problem("tokens", "token_limit_reached", `there are ${MAX_TOKENS} tokens; revoke some first`);
    const told: AdminChange = {
      ...changerOf(actor),
      target: `tokens/${tokenId}`,
      change: {
        created: token.name,
        verbs: token.verbs,
        resources: token.resources,
        ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }),
      },
    };
    for (;;) {
      const creator = grant === undefined ? undefined : await this.#creator(grant);
      const result = await audit.commitAdmin(
        [
          ...(creator === undefined ? [] : [touched(creator)]),
          {
            op: "put",
            kind: NAME_KIND,
            id: token.name,
            data: { token_id: tokenId },
            keys: {},
            expectedRevision: 0,
          },
          putToken(token, 0),
          { op: "append", stream: TOKENS_STREAM, events: [createdEvent(token, actor.requestId)] },
        ],
        told,
      );
      if (result.ok) {
        redactor.remember(secret);
        return { ...tokenView(token, undefined), secret };
      }
      // The creator was revoked, or has just created another one: the next look says which.
      if (creator === undefined || result.op !== 0) throw nameTaken(token.name);
    }
  }

  /** Ends the token and all that were created with it, in one commit. */
  async revoke(tokenId: string, actor: Actor): Promise<RevokedTokens> {
    const { audit, clock } = this.#options;
    for (;;) {
      const doomed = familyOf(tokenId, await this.#all());
      if (doomed.length === 0) throw problem("tokens", "token_not_found", `there is no token '${tokenId}'`);
      const by = { principal: actor.principal.id, requestId: actor.requestId };
      const events = doomed.map((token) => revokedEvent(token.data, by, clock.now()));
      const changes = doomed.map((token) => ({
        ...changerOf(actor),
        target: `tokens/${token.id}`,
        change: { revoked: token.data.name },
        withdraws: true as const,
      }));
      const result = await audit.commitAdmin(
        [...doomed.flatMap(removal), { op: "append", stream: TOKENS_STREAM, events }],
        changes,
      );
      // Refused when somebody else revoked one of them meanwhile.
      if (result.ok) return { accepted: true, revoked: doomed.map((token) => token.id) };
    }
  }

  /**
   * What a presented token grants, read from the store at every call, so that a revocation holds from the next request
   * on, whichever daemon it was made at. Undefined for what is no live token.
   */
  async authenticate(presented: string): Promise<(Grant & { name: string }) | "expired" | undefined> {
    const tokenId = claimedId(presented);
    if (tokenId === undefined) return undefined;
    const grant = await this.grantOf(tokenId, digestOf(presented));
    if (grant !== undefined) this.#options.redactor.remember(presented);
    return grant;
  }

  /** The same for whoever presented the token before and kept its digest. */
  async grantOf(
    tokenId: string,
    sha256: string,
  ): Promise<(Grant & { name: string }) | "expired" | undefined> {
    const token = await this.#options.store.get<TokenRecord>(TOKEN_KIND, tokenId);
    if (token === undefined || !isSameDigest(token.data.secret_sha256, sha256)) return undefined;
    const { name, verbs, resources, expires_at_ms: expiresAtMs } = token.data;
    if (expiresAtMs !== undefined && this.#options.clock.now() >= expiresAtMs) return "expired";
    this.#noteUse(token);
    return { tokenId, name, verbs, resources, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  }

  /** Calls back with each token that is revoked, here or by another daemon. */
  onRevoked(listener: (tokenId: string) => void): void {
    this.#revocationListeners.add(listener);
  }

  /** What the journal's tail has read. */
  heard(event: StoredEvent): void {
    if (event.stream !== TOKENS_STREAM || event.type !== "token_revoked") return;
    const { token_id: tokenId } = event.data as { token_id: string };
    this.#seen.delete(tokenId);
    for (const listener of this.#revocationListeners) listener(tokenId);
  }

  #all(): Promise<KeptToken[]> {
    return this.#options.store.list<TokenRecord>(TOKEN_KIND, { index: "name", limit: MAX_TOKENS * 2 });
  }

  /** A token that is revoked while it creates another must not leave that one behind. */
  async #creator({ tokenId }: Grant): Promise<KeptToken> {
    const creator = await this.#options.store.get<TokenRecord>(TOKEN_KIND, tokenId);
    if (creator === undefined) throw creatorRevoked();
    return creator;
  }

  /** Nobody waits for it and no request fails by it: it is for the operator who wonders which tokens are in use. */
  #noteUse(token: KeptToken): void {
    const { store, clock, log } = this.#options;
    const now = clock.now();
    if (now - (this.#seen.get(token.id) ?? Number.NEGATIVE_INFINITY) < USE_STALENESS_MS) return;
    this.#seen.set(token.id, now);
    store
      .commit([
        { op: "check", kind: TOKEN_KIND, id: token.id, revision: token.revision },
        { op: "put", kind: USE_KIND, id: token.id, data: { last_used_at_ms: now }, keys: {} },
      ])
      .catch((error: unknown) => log.warn({ err: error, token_id: token.id }, "a token's use was not noted"));
  }
}

/** What stands behind `/v1/` first, of every endpoint that there is. */
const ROOTS = new Set(
  Object.values(endpoints).map(({ path }) => path.replace(/^\/(?:v1\/)?/, "").split("/")[0] ?? ""),
);

/** `session/ci-*` would make a token that can do nothing, and nobody would see why. */
function refuseUnknownResources(resources: readonly string[]): void {
  const errors = resources.flatMap((resource, index) => {
    const [first = ""] = resource.split("/");
    if ([...ROOTS].some((root) => covers(first, root))) return [];
    const message = `there is no resource '${first}'; resources begin with one of ${[...ROOTS].sort().join(", ")}`;
    return [{ path: `/resources/${index}`, message }];
  });
  const [one] = errors;
  if (one !== undefined)
    throw problem("api", "request_body_invalid", `the body is not valid: ${one.path}: ${one.message}`, {
      errors,
    });
}

/** Whoever a daemon does not ask for a token could be anybody; and other daemons on its store may ask. */
function refuseUnknownCreator(principal: Principal): void {
  if (principal.id === "anonymous")
    throw problem(
      "tokens",
      "token_needs_auth",
      "this daemon asks nobody for a token, so it cannot tell who creates one; serve with --http-admin-token-file",
    );
}

function expiryOf(request: CreateTokenRequest, now: number): number | undefined {
  const { expires_in_ms: inMs, expires_at_ms: atMs } = request;
  if (inMs !== undefined && atMs !== undefined)
    throw problem("tokens", "token_expiry_invalid", "give expires_in_ms or expires_at_ms, not both");
  const expiresAtMs = inMs === undefined ? atMs : now + inMs;
  if (expiresAtMs === undefined) return undefined;
  if (expiresAtMs <= now || !Number.isSafeInteger(expiresAtMs))
    throw problem("tokens", "token_expiry_invalid", "a token must expire in the future");
  return expiresAtMs;
}

function refuseWider(creator: Grant, wanted: Authority): void {
  const wider = widerIn(creator, wanted);
  if (wider === undefined) return;
  const allowed = {
    verbs: `its verbs are ${creator.verbs.join(", ")}`,
    resources: `its resources are ${creator.resources.join(", ")}`,
    expiry: `it expires at ${creator.expiresAtMs}`,
  };
  throw problem(
    "tokens",
    "token_wider_than_creator",
    `a token cannot create one that may do more than itself: ${allowed[wider]}`,
  );
}

function creatorRevoked() {
  return problem("auth", "invalid_token", "the token has been revoked");
}

function nameTaken(name: string) {
  return problem(
    "tokens",
    "token_name_taken",
    `there is a token named '${name}'; revoke it or choose another name`,
  );
}

/** The token and its descendants; nothing when it does not exist. */
function familyOf(tokenId: string, all: readonly KeptToken[]): KeptToken[] {
  const family = all.filter((token) => token.id === tokenId);
  for (const member of family)
    family.push(...all.filter((token) => token.data.parent_token_id === member.id));
  return family;
}

function putToken(token: TokenRecord, expectedRevision: number): Op {
  const keys = { name: [token.name] };
  return { op: "put", kind: TOKEN_KIND, id: token.token_id, data: token, keys, expectedRevision };
}

/** As it is, at a new revision: a revocation that has looked for descendants before this one came has to look again. */
function touched(creator: KeptToken): Op {
  return putToken(creator.data, creator.revision);
}

function removal(token: KeptToken): Op[] {
  return [
    { op: "delete", kind: TOKEN_KIND, id: token.id, expectedRevision: token.revision },
    { op: "delete", kind: NAME_KIND, id: token.data.name },
    { op: "delete", kind: USE_KIND, id: token.id },
  ];
}
