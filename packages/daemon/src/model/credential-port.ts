import type { AuthSlotStatus, CredentialScope } from "@kheish/contract";
import type { DriverName } from "./routes/drivers.ts";
import type { Secret } from "./routes/secret.ts";

/** Who asks for the credential of a route, and for which call. */
export interface CredentialRequest {
  slot_id: string;
  route_id: string;
  driver: DriverName;
  session_id: string;
  run_id: string;
  scope: CredentialScope | undefined;
}

/** A credential for one attempt. It is asked for anew each time, so that a rotation holds from the next call on. */
export interface LeasedCredential {
  secret: Secret;
  /** Of the account that the key belongs to; what the route says itself wins. */
  organization?: string;
  project?: string;
  /** Whether it may still be used: looked at right before the request leaves (02-R64). */
  isActive(): boolean;
  /** A request that was sent is over; a revocation while it was under way is recorded (02-A3). */
  answered(): void;
}

export type CredentialAnswer = { ok: true; credential: LeasedCredential } | { ok: false; message: string };

/** Where routes with an `auth_ref` get their credentials: the one way to them. */
export interface CredentialPort {
  /** What is known of a slot now, without waiting. */
  status(slotId: string): AuthSlotStatus | undefined;
  lease(request: CredentialRequest): Promise<CredentialAnswer>;
}

/** Where there are no slots. */
export const NO_CREDENTIALS: CredentialPort = {
  status: () => undefined,
  lease: async ({ slot_id }) => ({ ok: false, message: `auth slot '${slot_id}' does not exist` }),
};
