import type { HttpOptions } from "../options.ts";
import { checkAuthSettings, isAuthEnabled } from "./auth-settings.ts";
import { TrustedProxies } from "./client-address.ts";
import { checkCorsSettings, corsPolicy } from "./cors-policy.ts";

/** Refuses settings that must not be served, before anything is opened; throws a `ServeConfigError`. */
export function checkHttpSettings(
  settings: Pick<HttpOptions, "bind" | "auth" | "cors" | "trustedProxies">,
): void {
  checkAuthSettings(settings.bind, settings.auth);
  corsPolicy(settings.cors);
  checkCorsSettings(settings.cors, isAuthEnabled(settings.auth));
  new TrustedProxies(settings.trustedProxies ?? []);
}
