import type { CredentialScope } from "@kheish/contract";

/** Who acts: a session, or the operator, whom no scope narrows. */
export type Acting = { session_id: string; scope: CredentialScope | undefined } | "operator";

export type Secret =
  | { ok: true; value: string }
  | { ok: false; reason: "missing" | "revoked"; message: string };

/** How MCP servers reach secrets; each use asks again, so that a revocation counts from the next one on. */
export interface McpCredentialPort {
  /** What stands in an opaque slot, for the connection itself. */
  secret(slotId: string): Promise<Secret>;
  /** A token of an OAuth account that may be used now. */
  accessTokenFor(slotId: string): Promise<Secret>;
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
