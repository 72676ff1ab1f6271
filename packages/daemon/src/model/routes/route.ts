import type { RouteCapabilities } from "@kheish/contract";
import type { DriverName } from "./drivers.ts";
import type { Secret } from "./secret.ts";

/** Variables of the process; an empty one counts as not set. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A route that cannot be read or does not make sense; the daemon refuses to start. Never holds file content. */
export class RouteConfigError extends Error {
  override readonly name = "RouteConfigError";
}

export type Credential =
  | { kind: "key"; secret: Secret; source: string }
  /** In the auth store, taken from there at each call (02-R26). */
  | { kind: "slot"; slot_id: string }
  /** The driver asks for none, or the server was declared to need none. */
  | { kind: "none" }
  /** `action` says what an operator has to do. */
  | { kind: "missing"; message: string; action: string };

/** A named way to a model, with everything needed to walk it. */
export interface Route {
  route_id: string;
  driver: DriverName;
  /** The model of a selection that names none. */
  model: string;
  model_support: "family" | "any";
  /** Effective: what the driver can do and the route did not switch off (02-R28). */
  capabilities: RouteCapabilities;
  credential: Credential;
  base_url?: string;
  organization?: string;
  project?: string;
  anthropic_version?: string;
  anthropic_beta_headers: readonly string[];
  /** For one attempt as a whole, and for the pause between two pieces of a stream. */
  timeout_ms: number;
  inactivity_timeout_ms: number;
}

/** Every route of the daemon, the default first (02-R24). Never empty. */
export type RouteInventory = readonly [Route, ...Route[]];
