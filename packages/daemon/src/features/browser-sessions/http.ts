import { problem } from "@kheish/contract";
import { actorOf, type Binding, type BoundRequest, bind } from "../binding.ts";
import { cookieName } from "./credentials.ts";
import type { BrowserSessionService } from "./service.ts";

const NEEDS_TOKEN = "exchange a token for it: send 'Authorization: Bearer <token>'";

export function browserSessionBindings(sessions: BrowserSessionService): Binding[] {
  return [
    bind("createBrowserSession", async (request) => {
      const { credential, principal } = request;
      if (principal.id === "anonymous" || credential?.kind !== "token")
        throw problem("auth", "missing_token", NEEDS_TOKEN);
      const tokenId = principal.grant?.tokenId;
      const behind = { tokenSha256: credential.sha256, ...(tokenId === undefined ? {} : { tokenId }) };
      const { session, presented, lifetimeMs } = await sessions.create(behind, actorOf(request));
      return {
        status: 201,
        json: session,
        headers: { "set-cookie": cookie(request, presented.id, presented.cookie, lifetimeMs) },
      };
    }),
    bind("endBrowserSession", async (request) => {
      const { credential } = request;
      if (credential?.kind !== "browser_session")
        throw problem("auth", "missing_token", "this request comes from no browser session");
      await sessions.end(credential.id, actorOf(request));
      return {
        status: 200,
        json: { accepted: true },
        headers: { "set-cookie": cookie(request, credential.id, "", 0) },
      };
    }),
  ];
}

/** No script reads it, no other site's page sends it, and nothing but the API gets it. */
function cookie(
  { isSecure }: Pick<BoundRequest, "isSecure">,
  id: string,
  value: string,
  lifetimeMs: number,
): string {
  const attributes = ["Path=/v1", `Max-Age=${Math.floor(lifetimeMs / 1_000)}`, "HttpOnly", "SameSite=Strict"];
  return [`${cookieName(id)}=${value}`, ...attributes, ...(isSecure === true ? ["Secure"] : [])].join("; ");
}
