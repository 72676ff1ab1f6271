import type {
  ModelCallOptions,
  ModelOutcome,
  ModelPort,
  ModelRequest,
  RouteResolver,
} from "../engine/ports.ts";
import type { Random } from "../kernel/random.ts";
import type { Driver } from "./driver.ts";
import { openDriver } from "./drivers/open.ts";
import type { DriverPorts } from "./drivers/provider-driver.ts";
import { failure } from "./failure.ts";
import { limitsOf } from "./models.ts";
import { callWithRetries } from "./retry.ts";
import { InventoryResolver } from "./routes/resolver.ts";
import type { Route, RouteInventory } from "./routes/route.ts";

export type { CredentialPort } from "./credential-port.ts";
export type { ModelWarning } from "./drivers/provider-driver.ts";
export { type LoadRoutesOptions, loadRoutes } from "./routes/inventory.ts";
export { RouteConfigError, type RouteInventory } from "./routes/route.ts";
export { checkAuthRefs } from "./routes/slot-readiness.ts";

export interface ModelsOptions extends DriverPorts {
  /** What `loadRoutes` answered. */
  routes: RouteInventory;
  random: Random;
}

/** The daemon's models: one object for both ports, as both speak of the same routes. */
export function createModels(options: ModelsOptions): ModelPort & RouteResolver {
  const resolver = new InventoryResolver(options.routes, options.credentials);
  const drivers = new Map<Route, Promise<Driver>>();

  /** A driver is opened at its first call: a provider that is never asked is never loaded. */
  const driverOf = (route: Route): Promise<Driver> => {
    const driver = drivers.get(route) ?? openDriver(route, options);
    drivers.set(route, driver);
    return driver;
  };

  const call = async (request: ModelRequest, callOptions: ModelCallOptions): Promise<ModelOutcome> => {
    const { route_id, driver } = request.route;
    const route = resolver.find(route_id);
    if (route === undefined || route.driver !== driver) {
      // 02-R37: a pinned run fails when its route is gone; it never drifts to another one.
      return failure(
        "invalid_request",
        `The run is pinned to route '${route_id}' (${driver}), which no longer exists.`,
      );
    }
    if (route.credential.kind === "missing") return failure("auth", route.credential.message);
    return callWithRetries(await driverOf(route), request, callOptions, options);
  };

  return {
    call,
    limits: (_route, model) => limitsOf(model),
    resolve: (selection, chosen) => resolver.resolve(selection, chosen),
    routes: (chosen) => resolver.routes(chosen),
    readiness: (chosen) => resolver.readiness(chosen),
  };
}
