import { z } from "zod";
import { Millis } from "./json.ts";
import { AuthSlotStatus } from "./secrets.ts";

/** What a lease is for. */
export const CredentialAudience = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("route"), route_id: z.string(), slot_id: z.string() }),
    z.object({
      type: z.literal("connector"),
      connector: z.string(),
      env_keys: z.array(z.string()),
      secret_refs: z.array(z.string()),
    }),
    z.object({
      type: z.literal("mcp_server"),
      server: z.string(),
      slot_id: z.string(),
      scopes_hash: z.string(),
    }),
  ])
  .meta({ id: "CredentialAudience" });
export type CredentialAudience = z.infer<typeof CredentialAudience>;

export const CredentialLeaseStatus = z
  .object({
    lease: z.object({
      id: z.string(),
      grant_id: z.string(),
      subject_id: z.string(),
      subject_epoch: z.int().nonnegative(),
      audience: CredentialAudience,
      issued_at_ms: Millis,
      expires_at_ms: Millis,
    }),
    revoked: z.boolean(),
    active: z.boolean(),
  })
  .meta({ id: "CredentialLeaseStatus" });
export type CredentialLeaseStatus = z.infer<typeof CredentialLeaseStatus>;

const leaseIds = z.array(z.string()).optional().describe("sorted; absent when there is none");

export const AuthSubjectStatus = z
  .object({
    subject_id: z.string(),
    current_epoch: z.int().nonnegative(),
    revoked: z.boolean(),
    active_connector_lease_ids: leaseIds,
    active_route_lease_ids: leaseIds,
    active_mcp_lease_ids: leaseIds,
  })
  .meta({ id: "AuthSubjectStatus" });
export type AuthSubjectStatus = z.infer<typeof AuthSubjectStatus>;

const Reason = z.string().trim().min(1).max(1_000);
/** Old clients send no body with a revocation. */
export const RevokeRequest = z.strictObject({ reason: Reason.optional() }).meta({ id: "RevokeRequest" });
/** What undoes a revocation, or takes a slot out of use, says why (02-A2). */
export const ReasonedRequest = z.strictObject({ reason: Reason }).meta({ id: "ReasonedRequest" });

export const RevokedLeases = z
  .object({ slot_id: z.string(), revoked_leases: z.int().nonnegative() })
  .meta({ id: "RevokedLeases" });

export const RekeyRequest = z
  .strictObject({ new_key: z.string().min(1).max(1_024).describe("32 bytes, as text or as base64") })
  .meta({ id: "RekeyRequest" });
export const RekeyView = z
  .object({
    key_id: z.string().describe("slots are encrypted under this key from now on"),
    reencrypted: z.int().nonnegative(),
  })
  .meta({ id: "RekeyView" });
export type RekeyView = z.infer<typeof RekeyView>;

export const AuthSlotList = z.array(AuthSlotStatus);
export const Accepted = z.object({ accepted: z.literal(true) }).meta({ id: "Accepted" });
