import type { FallbackTrigger, RouteCapabilities } from "@kheish/contract";
import type { ModelLimits } from "../../engine/ports.ts";
import type { ModelPrices } from "../table/index.ts";
import type { CapabilityOverrides } from "./capabilities.ts";
import type { Capability, DriverName } from "./drivers.ts";
import type { Secret } from "./secret.ts";

/** Variables of the process; an empty one counts as not set. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A route that cannot be read or does not make sense; the daemon refuses to start. Never holds file content. */
export class RouteConfigError extends Error {
  override readonly name = "RouteConfigError";
}

export type Credential =
  | { kind: "key"; secret: Secret; source: string }
  /** In the auth store, taken from there at each call; `login` is what is put there first, once (02-R26). */
  | { kind: "slot"; slot_id: string; login?: AccountLogin }
  /** None is sent. Undeclared: nobody said that the server needs none (02, weakness 14). */
  | { kind: "none"; undeclared?: true }
  /** `action` says what an operator has to do. */
  | { kind: "missing"; message: string; action: string };

/** A login of another program that a route signs in with; without `file`, from where that program keeps it (02-R56). */
export interface AccountLogin {
  program: "codex" | "claude_code";
  file?: string;
}

/** Whose token stands in the place of a key; the provider wants to be told (02-R59). */
export type RouteAccount = { kind: "codex_account"; account_id?: string } | { kind: "claude_code_account" };

/** One model as its provider's catalogue describes it. */
export interface DiscoveredModel {
  limits: ModelLimits;
  prices?: ModelPrices;
  capabilities: readonly Capability[];
}

/** A named way to a model, with everything needed to walk it. */
export interface Route {
  route_id: string;
  driver: DriverName;
  /** The model of a selection that names none. */
  model: string;
  model_support: "family" | "any";
  /** Effective, for the route's own model (02-R28). */
  capabilities: RouteCapabilities;
  /** What the route says of them; they narrow those of any model it is asked for. */
  capability_overrides: CapabilityOverrides;
  credential: Credential;
  base_url?: string;
  organization?: string;
  project?: string;
  /** Of the attempt at hand: its credential is an account's. */
  account?: RouteAccount;
  anthropic_version?: string;
  anthropic_beta_headers: readonly string[];
  /** Where runs go on when this route does not answer, as selectors in order, and on which failures (02-A8). */
  fallback: readonly string[];
  fallback_on: readonly FallbackTrigger[];
  /** The operator's own, for every model of the route; they win over what is known of the model. */
  prices?: ModelPrices;
  limits?: ModelLimits;
  /** What a fetched catalogue says of the route's models, by name. */
  discovered?: ReadonlyMap<string, DiscoveredModel>;
  /** For one attempt as a whole, and for the pause between two pieces of a stream. */
  timeout_ms: number;
  inactivity_timeout_ms: number;
}
