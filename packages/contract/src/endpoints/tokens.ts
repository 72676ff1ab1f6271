import { z } from "zod";
import { Accepted } from "../auth-broker.ts";
import { BrowserSession } from "../browser-sessions.ts";
import { CreatedToken, CreateTokenRequest, RevokedTokens, TokenView } from "../tokens.ts";
import { define, noBody } from "./parts.ts";

export const tokensEndpoints = define({
  listTokens: {
    method: "GET",
    path: "/v1/runtime/tokens",
    tag: "tokens",
    summary: "Named tokens by name, without their secrets",
    access: "admin",
    responses: { 200: z.array(TokenView) },
  },
  createToken: {
    method: "POST",
    path: "/v1/runtime/tokens",
    tag: "tokens",
    summary: "Create a named token; the answer holds its secret, once",
    access: "admin",
    body: CreateTokenRequest,
    responses: { 201: CreatedToken },
  },
  revokeToken: {
    method: "DELETE",
    path: "/v1/runtime/tokens/{token_id}",
    tag: "tokens",
    summary: "Revoke a named token and all that were created with it, from the next request on",
    access: "admin",
    responses: { 200: RevokedTokens },
  },
  createBrowserSession: {
    method: "POST",
    path: "/v1/browser-session",
    tag: "tokens",
    summary: "Exchange the token for a cookie and a key, so that a browser stays signed in",
    access: "known",
    body: noBody,
    bodyOptional: true,
    responses: { 201: BrowserSession },
  },
  endBrowserSession: {
    method: "DELETE",
    path: "/v1/browser-session",
    tag: "tokens",
    summary: "Sign the browser out",
    access: "known",
    responses: { 200: Accepted },
  },
});
