import { UpstreamFailure } from "./connection-port.ts";
import type { McpCredentialPort, TokenNeed } from "./credential-port.ts";

/** A scope as it can be read, and typed into a shell, by everybody; others are not named. */
const PLAIN_SCOPE = /^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}$/;
const MAX_SCOPES = 32;

/**
 * The token of an account for one request, and what its refusal means: a token that was taken back is replaced once, a
 * scope that is lacking is a person's to grant. Rejects with `UpstreamFailure`: then nothing was sent, or nothing done.
 */
export async function accountToken(
  credentials: Pick<McpCredentialPort, "accessTokenFor">,
  need: TokenNeed,
): Promise<{ value: string; onRefused: (answer: Response) => Promise<"again" | "pass"> }> {
  const token = await credentials.accessTokenFor(need);
  if (!token.ok)
    throw new UpstreamFailure(token.needsLogin ? `${token.message}: ${loginWith(need)}` : token.message);
  return {
    value: token.value,
    async onRefused(answer) {
      if (answer.status === 403) {
        const lacking = lackingScopes(answer);
        if (lacking === undefined) return "pass";
        throw new UpstreamFailure(
          `the server wants more than the account in auth slot '${need.slot_id}' was granted${
            lacking.length === 0 ? "" : ` (${lacking.join(", ")})`
          }: ${loginWith(need, lacking.length === 0 ? [] : [...token.scopes, ...lacking])}`,
        );
      }
      const replaced = await token.replacement();
      if (replaced === "replaced") return "again";
      throw new UpstreamFailure(
        replaced === "later"
          ? `the server refused the token of the account in auth slot '${need.slot_id}' (HTTP 401), and another one could not be had just now`
          : `the server refused the token of the account in auth slot '${need.slot_id}' (HTTP 401): ${loginWith(need)}`,
      );
    },
  };
}

/** The scopes that a challenge says are needed (RFC 6750, 3.1); undefined when it is about something else. */
function lackingScopes(answer: Response): string[] | undefined {
  const challenge = answer.headers.get("www-authenticate") ?? "";
  if (parameter(challenge, "error") !== "insufficient_scope") return undefined;
  const scopes = (parameter(challenge, "scope") ?? "").split(" ");
  return scopes.filter((scope) => PLAIN_SCOPE.test(scope)).slice(0, MAX_SCOPES);
}

function parameter(challenge: string, name: string): string | undefined {
  return new RegExp(`(?:^|[\\s,])${name}="?([^",]*)"?`, "i").exec(challenge)?.[1];
}

function loginWith({ server, slot_id }: TokenNeed, scopes: readonly string[] = []): string {
  const slot = slot_id === `mcp.oauth.${server}` ? "" : ` --slot ${slot_id}`;
  const wanted = [...new Set(scopes)].sort().join(",");
  return `log in again with 'kheish mcp oauth login ${server}${slot}${wanted === "" ? "" : ` --scopes ${wanted}`}'`;
}
