import { z } from "zod";
import { CreatedToken, CreateTokenRequest, RevokedTokens, TokenView } from "../tokens.ts";
import { define } from "./parts.ts";

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
});
