import type { AuthProvider, AuthSlotStatus } from "@kheish/contract";
import { impossibleCapability } from "./capabilities.ts";
import type { DriverName } from "./drivers.ts";
import { type Route, RouteConfigError } from "./route.ts";

/** Whose slots a driver takes. Servers that speak OpenAI's dialect are anybody's. */
const PROVIDERS: Readonly<Record<DriverName, readonly AuthProvider[]>> = {
  anthropic: ["anthropic"],
  google: ["google"],
  openai: ["open_ai"],
  openrouter: ["open_router"],
  xai: ["x_ai"],
  openai_compatible: ["open_ai", "generic"],
  simulator: [],
};

/** What the slot of a new key of this driver says it is; undefined for a driver without keys. */
export function slotProviderOf(driver: DriverName): AuthProvider | undefined {
  return PROVIDERS[driver][0];
}

export interface SlotFinding {
  code: "auth_slot_missing" | "auth_slot_provider_mismatch" | "auth_slot_disabled";
  message: string;
  action: string;
}

/** Whether the slot of a route can be used; undefined when it can (02-R36, 02-R40). */
export function slotFinding(
  route: Pick<Route, "route_id" | "driver">,
  slotId: string,
  status: AuthSlotStatus | undefined,
): SlotFinding | undefined {
  const { route_id, driver } = route;
  if (status === undefined) {
    return {
      code: "auth_slot_missing",
      message: `Route '${route_id}' takes its key from auth slot '${slotId}', which does not exist.`,
      action: `Put the key there: kheish secrets set ${slotId} --provider ${driver === "openai_compatible" ? "openai" : driver} --stdin, and while no daemon runs, --offline --state-root DIR`,
    };
  }
  if (!PROVIDERS[driver].includes(status.provider)) {
    return {
      code: "auth_slot_provider_mismatch",
      message: `Route '${route_id}' has the driver '${driver}', and its auth slot '${slotId}' holds a credential of '${status.provider}'.`,
      action: `Name another slot in the route's 'auth_ref', or put a credential of ${PROVIDERS[driver].join(" or ")} into this one.`,
    };
  }
  if (status.disabled === true) {
    return {
      code: "auth_slot_disabled",
      message: `The auth slot '${slotId}' of route '${route_id}' is disabled: ${status.disabled_reason ?? "no reason was given"}.`,
      action: `Put a new secret into it, or enable it: kheish runtime auth enable-slot ${slotId}`,
    };
  }
  return undefined;
}

export interface AccountFinding {
  state: "warning" | "error";
  code:
    | "auth_account_expiring"
    | "auth_account_refresh_failed"
    | "auth_account_expired"
    | "auth_account_login_required";
  message: string;
  action?: string;
}

/** What there is to say of the token of an account; undefined while it is good (02-R40). */
export function accountFinding(
  routeId: string,
  slot: AuthSlotStatus | undefined,
): AccountFinding | undefined {
  if (slot === undefined) return undefined;
  const { slot_id, account_state, details } = slot;
  const account = `The account in auth slot '${slot_id}' of route '${routeId}'`;
  const refresh = `kheish runtime auth accounts refresh ${slot_id}`;
  const outcome = String(details?.last_refresh_outcome ?? "");
  switch (account_state) {
    case "expiring":
      return {
        state: "warning",
        code: "auth_account_expiring",
        message: `${account} has a token that is over, or nearly so; the next call refreshes it.`,
      };
    case "refresh_failed":
      return {
        state: "warning",
        code: "auth_account_refresh_failed",
        message: `${account} could not be refreshed (${outcome}); its token is still good.`,
        action: `Look why, then: ${refresh}`,
      };
    case "expired":
      return {
        state: "error",
        code: "auth_account_expired",
        message: `${account} has a token that is over and could not be refreshed (${outcome}).`,
        action: `The next call tries again; to try now: ${refresh}`,
      };
    case "login_required":
      return {
        state: "error",
        code: "auth_account_login_required",
        message: `${account} needs a new login: its provider gives it no more tokens.`,
        action: `Log in and import the account again: ${importOf(slot)}`,
      };
    default:
      return undefined;
  }
}

function importOf({ slot_id, provider }: AuthSlotStatus): string {
  return `kheish secrets ${provider === "anthropic" ? "import-claude-code" : "import-codex"} ${slot_id}`;
}

/** 02-R25: a daemon does not start with a route whose slot is not there or belongs to somebody else. */
export function checkAuthRefs(
  routes: readonly Route[],
  statusOf: (slotId: string) => AuthSlotStatus | undefined,
): void {
  for (const route of routes) {
    if (route.credential.kind !== "slot") continue;
    const status = statusOf(route.credential.slot_id);
    checkAccountCapabilities(route, status);
    const finding = slotFinding(route, route.credential.slot_id, status);
    // A slot that somebody has disabled is no mistake of the file: the route is shown as not ready.
    if (finding === undefined || finding.code === "auth_slot_disabled") continue;
    throw new RouteConfigError(`${finding.message} ${finding.action}`);
  }
}

/** 02-R28: what only a key can do is not asked of an account. */
function checkAccountCapabilities(route: Route, status: AuthSlotStatus | undefined): void {
  if (status?.mode !== "oauth_account") return;
  const impossible = impossibleCapability(route.driver, route.capability_overrides, true);
  if (impossible === undefined) return;
  throw new RouteConfigError(
    `routes.${route.route_id}.${impossible} is not something that an account of '${status.provider}' can do.`,
  );
}
