import type { RouteReadiness } from "../../engine/ports.ts";
import { INLINE_KEY } from "./credentials.ts";
import { supportsModel } from "./model-support.ts";
import type { Route } from "./route.ts";

/** Whether a run may go this way, and if not, what an operator can do (02-R36, 02-R40). */
export function readinessOf(route: Route, active: Route | undefined): RouteReadiness {
  const { route_id, driver, model, credential } = route;
  const base = { route_id, provider: driver, model, active: route === active };
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
  const message =
    credential.kind === "key"
      ? `Route '${route_id}' uses the key of ${credential.source}.`
      : `Route '${route_id}' needs no key.`;
  // 02-R99: usable as any other, and worth a word.
  const inline = credential.kind === "key" && credential.source === INLINE_KEY;
  return { ...base, state: "ready", code: inline ? "route_inline_key" : "route_ready", message };
}
