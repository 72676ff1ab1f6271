import { urlTarget } from "../engine/action-target.ts";
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
import type { EvidencePort } from "./evidence-port.ts";
import { failure } from "./failure.ts";
import { callWithRetries } from "./retry.ts";
import { LiveRoutes } from "./routes/live-routes.ts";
import { capabilitiesOf, limitsOf } from "./routes/model-facts.ts";
import { supportsModel } from "./routes/model-support.ts";
import { InventoryResolver } from "./routes/resolver.ts";
import type { Route } from "./routes/route.ts";
import type { RouteSet } from "./routes/route-set.ts";
import { priceOf } from "./table/price.ts";
import { witnessedDriver } from "./witnessed.ts";

export type { CredentialPort } from "./credential-port.ts";
export type { ModelWarning } from "./drivers/provider-driver.ts";
export type {
  AttemptEvidence,
  CallEvidence,
  EvidenceContent,
  EvidenceKind,
  EvidencePort,
} from "./evidence-port.ts";
export { diffRoutes } from "./routes/diff.ts";
export type { DriverName } from "./routes/drivers.ts";
export { type ExaminedFile, examineFile } from "./routes/examine.ts";
export { type LoadRoutesOptions, loadRoutes } from "./routes/inventory.ts";
export { LiveRoutes, type RouteOrigin } from "./routes/live-routes.ts";
export { checkedLoader, type LoadedRoutes, type RouteLoader, routeLoader } from "./routes/loader.ts";
export { limitsOf } from "./routes/model-facts.ts";
export { withCatalogue } from "./routes/openrouter-catalogue.ts";
export { routeFrom } from "./routes/parse.ts";
export { type Env, type Route, RouteConfigError } from "./routes/route.ts";
export { arrange, type RouteSet } from "./routes/route-set.ts";
export { checkAuthRefs, slotProviderOf } from "./routes/slot-readiness.ts";
export { type PricedRoute, priceOf, pricesOf } from "./table/price.ts";

export interface ModelsOptions extends DriverPorts {
  /** What `loadRoutes` answered. */
  routes: RouteSet;
  random: Random;
  /** Where debug evidence goes; absent: none is kept. */
  evidence?: EvidencePort;
}

export interface Models extends ModelPort, RouteResolver {
  /** The routes themselves, for whoever may change them. */
  live: LiveRoutes;
}

/** The daemon's models: one object for both ports, as both speak of the same routes. */
export function createModels(options: ModelsOptions): Models {
  const live = new LiveRoutes(options.routes);
  const resolver = new InventoryResolver(live, options.credentials);
  const drivers = new WeakMap<Route, Promise<Driver>>();

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
    if (!supportsModel(route, request.model)) {
      return failure(
        "invalid_request",
        `The run is pinned to the model '${request.model}', which route '${route_id}' no longer supports.`,
      );
    }
    if (route.credential.kind === "missing") return failure("auth", route.credential.message);
    const opened = await driverOf(route);
    const evidence = await options.evidence?.open(request);
    const witnessed = evidence === undefined ? opened : witnessedDriver(opened, evidence);
    const outcome = await callWithRetries(witnessed, request, callOptions, options);
    return priced(outcome, route, request.model);
  };

  return {
    live,
    call,
    limits: ({ route_id }, model) => {
      const route = resolver.find(route_id);
      return route === undefined ? {} : limitsOf(route, model);
    },
    priceOf: ({ route_id }, model, usage) => {
      const route = resolver.find(route_id);
      return route === undefined ? undefined : priceOf(route, model, usage);
    },
    canSearch: ({ route_id, driver }, model) => {
      const route = resolver.find(route_id);
      return route?.driver === driver && capabilitiesOf(route, model).native_web_search;
    },
    endpoint: ({ route_id, driver }) => {
      const baseUrl = resolver.find(route_id)?.base_url;
      return baseUrl === undefined ? driver : urlTarget(baseUrl);
    },
    prepare: (selection, chosen) => resolver.prepare(selection, chosen),
    resolve: (selection, chosen) => resolver.resolve(selection, chosen),
    routes: (chosen) => resolver.routes(chosen),
    readiness: (chosen) => resolver.readiness(chosen),
  };
}

/** The answer with what it cost, where that is known. */
function priced(outcome: ModelOutcome, route: Route, model: string): ModelOutcome {
  const { usage } = outcome.ok ? outcome.message : {};
  const cost = usage === undefined ? undefined : priceOf(route, model, usage);
  if (!outcome.ok || usage === undefined || cost === undefined) return outcome;
  return { ...outcome, message: { ...outcome.message, usage: { ...usage, cost_microusd: cost } } };
}
