import { builtInRoute } from "./build.ts";
import { variable } from "./credentials.ts";
import { environmentRoutes, type PrimaryRoute } from "./environment.ts";
import { checkChains } from "./fallback.ts";
import { parseRoutes } from "./parse.ts";
import { type Env, type Route, RouteConfigError, type RouteInventory } from "./route.ts";

export interface LoadRoutesOptions {
  env: Env;
  /** Content of the routes file; without it routes come from the environment (02-R31). */
  file?: string;
  /** `--default-route`; else `KHEISH_DEFAULT_ROUTE`. */
  defaultRoute?: string;
  /** `--no-simulator`. */
  noSimulator?: boolean;
  /** `--provider`, `--model`, `--api-key`; only without a routes file. */
  primary?: PrimaryRoute;
}

/** Every route of the daemon. Throws `RouteConfigError` when the daemon should not start with them. */
export function loadRoutes(options: LoadRoutesOptions): RouteInventory {
  const { env, file } = options;
  const configured =
    file === undefined
      ? { routes: environmentRoutes(env, options.primary), default_route: undefined }
      : parseRoutes(file, env);
  const routes = withSimulator(configured.routes, options);
  checkChains(routes);
  const named = options.defaultRoute ?? variable(env, "KHEISH_DEFAULT_ROUTE") ?? configured.default_route;
  return defaultFirst(routes, configured.default_route, named);
}

/** The simulator comes last: it is the default only where nothing else is. */
function withSimulator(routes: Route[], { env, noSimulator }: LoadRoutesOptions): Route[] {
  const taken = routes.some((route) => route.driver === "simulator" || route.route_id === "simulator");
  return noSimulator === true || taken ? routes : [...routes, builtInRoute("simulator", env)];
}

/** 02-R23 and 02-R24: an override is no cure for a file whose own default names nothing. */
function defaultFirst(
  routes: Route[],
  ofFile: string | undefined,
  named: string | undefined,
): RouteInventory {
  for (const id of [ofFile, named]) {
    if (id !== undefined && !routes.some((route) => route.route_id === id)) {
      throw new RouteConfigError(`The default route '${id}' does not exist. Routes: ${idsOf(routes)}.`);
    }
  }
  const chosen = routes.find((route) => route.route_id === named) ?? routes[0];
  if (chosen === undefined) {
    throw new RouteConfigError(
      "There is no route to a model: set ANTHROPIC_API_KEY, OPENAI_API_KEY or another provider key, give a routes file, or keep the simulator.",
    );
  }
  return [chosen, ...routes.filter((route) => route !== chosen)];
}

function idsOf(routes: readonly Route[]): string {
  return routes.map((route) => route.route_id).join(", ") || "none";
}
