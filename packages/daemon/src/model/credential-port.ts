import type { AuthSlotStatus, CredentialScope } from "@kheish/contract";
import type { DriverName } from "./routes/drivers.ts";
import type { RouteAccount } from "./routes/route.ts";
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
  /** The secret is the token of an account, not a key (02-R59). */
  account?: RouteAccount;
  /** Of the account; what the route says itself wins. */
  base_url?: string;
  /**
   * Of an account, when the provider has refused its token: whether there is another one now, which may take a refresh.
   * `later`: it could not be refreshed, and the next attempt may go better.
   */
  replacement?(): Promise<"replaced" | "later" | "no">;
  /** Whether it may still be used: looked at right before the request leaves (02-R64). */
  isActive(): boolean;
  /** A request that was sent is over; a revocation while it was under way is recorded (02-A3). */
  answered(): void;
}

export type CredentialAnswer =
  | { ok: true; credential: LeasedCredential }
  /** `retryable`: the credential is there and could not be refreshed; the next attempt may go better. */
  | { ok: false; message: string; retryable?: boolean };

/** Where routes with an `auth_ref` get their credentials: the one way to them. */
export interface CredentialPort {
  /** What is known of a slot now, without waiting. */
  status(slotId: string): AuthSlotStatus | undefined;
  lease(request: CredentialRequest): Promise<CredentialAnswer>;
  /** Brings the token of an account up to date, if it is one and that is due; never rejects because it is refused. */
  refresh(slotId: string): Promise<void>;
}

/** Where there are no slots. */
export const NO_CREDENTIALS: CredentialPort = {
  status: () => undefined,
  lease: async ({ slot_id }) => ({ ok: false, message: `auth slot '${slot_id}' does not exist` }),
  refresh: async () => undefined,
};
