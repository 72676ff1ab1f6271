import type { AuthSlotStatus } from "@kheish/contract";
import type { RouteReadiness } from "../../engine/ports.ts";
import { INLINE_KEY } from "./credentials.ts";
import { shownCapabilities } from "./model-facts.ts";
import { supportsModel } from "./model-support.ts";
import type { Route } from "./route.ts";
import { accountFinding, slotFinding } from "./slot-readiness.ts";

/** Whether a run may go this way, and if not, what an operator can do (02-R36, 02-R40). */
export function readinessOf(
  route: Route,
  active: Route | undefined,
  slotStatus: (slotId: string) => AuthSlotStatus | undefined,
): RouteReadiness {
  const { route_id, driver, model, credential } = route;
  const slot = credential.kind === "slot" ? slotStatus(credential.slot_id) : undefined;
  const capabilities = shownCapabilities(route, slot);
  const base = {
    route_id,
    provider: driver,
    model,
    capabilities,
    active: route === active,
    ...(credential.kind === "slot" ? { auth_ref: credential.slot_id } : {}),
    ...(slot === undefined
      ? {}
      : { auth_mode: slot.mode, auth_summary: slot.summary, auth_updated_at_ms: slot.updated_at_ms }),
  };
  if (!supportsModel(route, model)) {
    return {
      ...base,
      state: "error",
      code: "route_model_incompatible",
      message: `Route '${route_id}' has the default model '${model}', which is not of the family of driver '${driver}'.`,
      action: `Correct its default_model, or set model_support = "any" in the routes file, and restart the daemon.`,
    };
  }
  if (credential.kind === "missing") {
    const { message, action } = credential;
    return { ...base, state: "error", code: "route_key_missing", message, action };
  }
  const finding = credential.kind === "slot" ? slotFinding(route, credential.slot_id, slot) : undefined;
  if (finding !== undefined) return { ...base, state: "error", ...finding };
  const account = credential.kind === "slot" ? accountFinding(route_id, slot) : undefined;
  if (account !== undefined) return { ...base, ...account };
  if (credential.kind === "none" && credential.undeclared === true) {
    return {
      ...base,
      state: "warning",
      code: "route_unauthenticated",
      message: `Route '${route_id}' sends no key, and nobody has declared that its server needs none.`,
      action: `Set unauthenticated = true, or give the route a key, in the routes file and reload it.`,
    };
  }
  // 02-R99: usable as any other, and worth a word.
  const inline = credential.kind === "key" && credential.source === INLINE_KEY;
  const code = inline ? "route_inline_key" : "route_ready";
  return { ...base, state: "ok", code, message: readyMessage(route) };
}

function readyMessage({ route_id, credential }: Route): string {
  if (credential.kind === "key") return `Route '${route_id}' uses the key of ${credential.source}.`;
  if (credential.kind === "slot") return `Route '${route_id}' uses the auth slot '${credential.slot_id}'.`;
  return `Route '${route_id}' needs no key.`;
}
