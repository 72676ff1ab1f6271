import type { AuthProvider, AuthSlotStatus } from "@kheish/contract";
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
      action: `Put the key there: kheish secrets set ${slotId} --provider ${driver === "openai_compatible" ? "openai" : driver} --stdin`,
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

/** 02-R25: a daemon does not start with a route whose slot is not there or belongs to somebody else. */
export function checkAuthRefs(
  routes: readonly Route[],
  statusOf: (slotId: string) => AuthSlotStatus | undefined,
): void {
  for (const route of routes) {
    if (route.credential.kind !== "slot") continue;
    const finding = slotFinding(route, route.credential.slot_id, statusOf(route.credential.slot_id));
    // A slot that somebody has disabled is no mistake of the file: the route is shown as not ready.
    if (finding === undefined || finding.code === "auth_slot_disabled") continue;
    throw new RouteConfigError(`${finding.message} ${finding.action}`);
  }
}
