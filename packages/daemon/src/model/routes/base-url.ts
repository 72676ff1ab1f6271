import { variable } from "./credentials.ts";
import { type DriverName, factsOf } from "./drivers.ts";
import { type Env, RouteConfigError } from "./route.ts";

/** 02-R27: the route's own, else the variable of its driver, else the built-in. */
export function resolveBaseUrl(
  routeId: string,
  driver: DriverName,
  own: string | undefined,
  env: Env,
): string | undefined {
  const { baseUrlVariable, builtInBaseUrl } = factsOf(driver);
  if (own !== undefined) return checked(own, `routes.${routeId}.base_url`, builtInBaseUrl);
  const fromEnv = baseUrlVariable === undefined ? undefined : variable(env, baseUrlVariable);
  if (baseUrlVariable !== undefined && fromEnv !== undefined)
    return checked(fromEnv, baseUrlVariable, builtInBaseUrl);
  return builtInBaseUrl;
}

/**
 * 02-R22. Without a path the URL names a host only and gets the path of the built-in one:
 * providers' own tools disagree on whether `/v1` belongs to it.
 */
function checked(text: string, where: string, builtIn: string | undefined): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\/[^/]/i.test(text) || !/^https?:$/.test(url.protocol)) {
    throw new RouteConfigError(`${where} must be an absolute http or https URL with a host.`);
  }
  if (url.username !== "" || url.password !== "")
    throw new RouteConfigError(`${where} must not hold user or password.`);
  if (/[?#]/.test(text)) throw new RouteConfigError(`${where} must not have a query or a fragment.`);
  const path = url.pathname === "/" && builtIn !== undefined ? new URL(builtIn).pathname : url.pathname;
  return `${url.origin}${path}`.replace(/\/+$/, "");
}
