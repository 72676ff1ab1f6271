import type { CredentialScope } from "@kheish/contract";

/** Who acts: a session, or the operator, whom no scope narrows. */
export type Acting = { session_id: string; scope: CredentialScope | undefined } | "operator";

export type Secret =
  | { ok: true; value: string }
  | { ok: false; reason: "missing" | "revoked"; message: string };

/** What an account's token has to be for: the login was for one server, one resource and some scopes (02-R62). */
export interface TokenNeed {
  slot_id: string;
  /** The server's name in the configuration. */
  server: string;
  resource: string;
  scopes: readonly string[];
}

export type AccountToken =
  | {
      ok: true;
      value: string;
      /** What the account was granted. */
      scopes: readonly string[];
      /** Its server has refused the token. `later`: there may be another one, which could not be had now. */
      replacement: () => Promise<"replaced" | "later" | "no">;
    }
  | (Extract<Secret, { ok: false }> & {
      /** Only a person helps, who logs in. */
      needsLogin: boolean;
    });

/** How MCP servers reach secrets; each use asks again, so that a revocation counts from the next one on. */
export interface McpCredentialPort {
  /** What stands in an opaque slot, for the connection itself. */
  secret(slotId: string): Promise<Secret>;
  /** A token of an OAuth account that may be used now, if the account is for what is needed. */
  accessTokenFor(need: TokenNeed): Promise<AccountToken>;
  /** Why `acting` may not use a server that has credentials (03-R64); undefined when it may. */
  refusal(
    server: string,
    slotIds: readonly string[],
    scopes: readonly string[],
    acting: Acting,
  ): Promise<string | undefined>;
  /** Hears of every change of a slot. */
  onChange(listener: (slotId: string, change: "usable" | "unusable") => void): () => void;
}
