import type { Grant } from "../../../governance/access/grant.ts";

/** Where named tokens are kept (02-A7). */
export interface NamedTokens {
  /** What a presented token grants now; undefined when it is none, or none any more. */
  authenticate(presented: string): Promise<(Grant & { name: string }) | "expired" | undefined>;
  /** The same of a token that was presented before; `sha256`, in hex, is of the token as it was then. */
  grantOf(tokenId: string, sha256: string): ReturnType<NamedTokens["authenticate"]>;
  /** Calls back with each token that is revoked, here or by another daemon on the same store. */
  onRevoked(listener: (tokenId: string) => void): void;
  /** Where a run belongs, for tokens that cover sessions; undefined for a run that does not exist. */
  sessionOfRun(runId: string): Promise<string | undefined>;
}

/** A daemon that knows its two flat tokens only. */
export const NO_NAMED_TOKENS: NamedTokens = {
  authenticate: async () => undefined,
  grantOf: async () => undefined,
  onRevoked: () => undefined,
  sessionOfRun: async () => undefined,
};
