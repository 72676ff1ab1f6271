import { builtInRoute } from "./build.ts";
import { variable } from "./credentials.ts";
import { environmentRoutes, type PrimaryRoute } from "./environment.ts";
import { checkChains } from "./fallback.ts";
import { parseRoutes } from "./parse.ts";
import { type Env, type Route, RouteConfigError } from "./route.ts";
import type { RouteSet } from "./route-set.ts";

export interface LoadRoutesOptions {
  env: Env;
  /** Content of the routes file; without it routes come from the environment (02-R31). */
  file?: string;
  /** `--default-route`; else `KHEISH_DEFAULT_ROUTE`. */
  defaultRoute?: string;
  /** `--no-simulator`. */
  noSimulator?: boolean;
  /** `--allow-empty-routes`: routes are added while the daemon runs (02-R38). */
  allowEmpty?: boolean;
  /** `--provider`, `--model`, `--api-key`; only without a routes file. */
  primary?: PrimaryRoute;
}

/** The routes that a daemon begins with. Throws `RouteConfigError` when it should not start with them. */
export function loadRoutes(options: LoadRoutesOptions): RouteSet {
  const { env, file } = options;
  const parsed =
    file === undefined
      ? { routes: environmentRoutes(env, options.primary), default_route: undefined }
      : parseRoutes(file, env);
  const simulator = freeSimulator(parsed.routes, options);
  const all = simulator === undefined ? parsed.routes : [...parsed.routes, simulator];
  checkChains(all);
  const named = options.defaultRoute ?? variable(env, "KHEISH_DEFAULT_ROUTE");
  // 02-R23: an override is no cure for a file whose own default names nothing.
  checkDefault(parsed.default_route, all);
  if (options.allowEmpty !== true) {
    checkDefault(named, all);
    checkNotEmpty(all);
  }
  const default_route = named ?? parsed.default_route;
  return {
    configured: parsed.routes,
    ...(simulator === undefined ? {} : { simulator }),
    ...(default_route === undefined ? {} : { default_route }),
  };
}

function freeSimulator(routes: Route[], { env, noSimulator }: LoadRoutesOptions): Route | undefined {
  const taken = routes.some((route) => route.driver === "simulator" || route.route_id === "simulator");
  return noSimulator === true || taken ? undefined : builtInRoute("simulator", env);
}

function checkDefault(id: string | undefined, routes: readonly Route[]): void {
  if (id === undefined || routes.some((route) => route.route_id === id)) return;
  const ids = routes.map((route) => route.route_id).join(", ") || "none";
  throw new RouteConfigError(`The default route '${id}' does not exist. Routes: ${ids}.`);
}

function checkNotEmpty(routes: readonly Route[]): void {
  if (routes.length > 0) return;
  throw new RouteConfigError(
    "There is no route to a model: set ANTHROPIC_API_KEY, OPENAI_API_KEY or another provider key, give a routes file, keep the simulator, or start with --allow-empty-routes and add one.",
  );
}
