import { z } from "zod";
import { Millis } from "./json.ts";
import { AuthSlotStatus, SlotId } from "./secrets.ts";

const Text = z.string().min(1);

/** What a login at an authorization server brought, for a slot of the `mcp.` namespace. Write-only. */
export const ImportMcpAccountRequest = z
  .strictObject({
    slot_id: SlotId,
    server_name: Text,
    resource: Text.describe("what the tokens are for; sent with every refresh"),
    issuer: Text,
    authorization_endpoint: Text,
    token_endpoint: Text,
    revocation_endpoint: Text.optional(),
    client_id: Text,
    client_secret: z.string().nullish(),
    token_endpoint_auth_method: z
      .enum(["client_secret_basic", "client_secret_post"])
      .optional()
      .describe("how a client with a secret shows it; client_secret_basic when absent"),
    access_token: Text,
    refresh_token: Text.optional(),
    expires_at_ms: Millis.optional(),
    scopes: z.array(z.string()).default([]),
  })
  .meta({ id: "ImportMcpAccountRequest" });

/** An account that is gone from the daemon, as it was. */
export const RevokedAccount = AuthSlotStatus.extend({
  accepted: z.literal(true),
  provider_revocation: z
    .enum(["revoked", "failed", "not_offered"])
    .describe("whether the provider has taken its tokens back too"),
}).meta({ id: "RevokedAccount" });
export type RevokedAccount = z.infer<typeof RevokedAccount>;

export const AccountList = z.array(AuthSlotStatus);
