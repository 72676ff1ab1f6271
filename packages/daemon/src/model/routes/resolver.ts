import { type AuthSlotStatus, isProblem, problem, type ResolvedModelRoute } from "@kheish/contract";
import type { DefaultRoute, PinnedRoute, RouteReadiness, RouteResolver } from "../../engine/ports.ts";
import { type CredentialPort, NO_CREDENTIALS } from "../credential-port.ts";
import { chainFrom } from "./fallback.ts";
import { capabilitiesOf, shownCapabilities } from "./model-facts.ts";
import { supportsModel } from "./model-support.ts";
import { readinessOf } from "./readiness.ts";
import type { Route } from "./route.ts";
import { parseSelector, type Selector } from "./selector.ts";

type Slots = Pick<CredentialPort, "status" | "refresh">;
type Selection = Parameters<RouteResolver["resolve"]>[0];

/** Turns what a caller asked for into the one route a run is pinned to (02-R32 to 02-R36). */
export class InventoryResolver implements RouteResolver {
  readonly #routes: { readonly current: readonly Route[] };
  readonly #slots: Slots;

  /** `current` is looked at anew each time: the routes of a daemon change while it runs. */
  constructor(routes: { readonly current: readonly Route[] }, slots: Slots = NO_CREDENTIALS) {
    this.#routes = routes;
    this.#slots = slots;
  }

  get #inventory(): readonly Route[] {
    return this.#routes.current;
  }

  /** 02-R36. What is wrong with the selection, `resolve` says. */
  prepare(selection: Selection, choice?: DefaultRoute): Promise<void> | undefined {
    const slotIds = this.#inventory.flatMap(({ credential }) =>
      credential.kind === "slot" && isOver(this.#slots.status(credential.slot_id))
        ? [credential.slot_id]
        : [],
    );
    if (slotIds.length === 0) return undefined;
    const chosen = orUndefined(() => this.#select(selection, choice).route.credential);
    if (chosen?.kind !== "slot" || !slotIds.includes(chosen.slot_id)) return undefined;
    return this.#slots.refresh(chosen.slot_id);
  }

  resolve(selection: Selection, choice?: DefaultRoute): PinnedRoute {
    const { model, fallback, route, active } = this.#select(selection, choice);
    const chosen = model?.model ?? route.model;
    checkSupport(route, chosen);
    if (fallback !== undefined) checkSupport(route, fallback.model);
    const readiness = this.#readinessOf(route, active);
    if (readiness.state === "error") {
      throw problem("routes", "route_not_ready", [readiness.message, readiness.action].join(" ").trim());
    }
    return {
      route_id: route.route_id,
      driver: route.driver,
      model: chosen,
      ...(fallback === undefined ? {} : { fallback_model: fallback.model }),
      ...chainFrom(route, chosen, (id) => this.find(id)),
    };
  }

  routes(choice?: DefaultRoute): ResolvedModelRoute[] {
    return this.#under(choice).routes.map((route) => ({
      route_id: route.route_id,
      provider: route.driver,
      model: route.model,
      ...(route.credential.kind === "slot" ? { auth_ref: route.credential.slot_id } : {}),
      capabilities: shownCapabilities(route, this.#statusOf(route)),
    }));
  }

  readiness(choice?: DefaultRoute): RouteReadiness[] {
    const { active, routes } = this.#under(choice);
    return routes.map((route) => this.#readinessOf(route, active));
  }

  #readinessOf(route: Route, active: Route | undefined): RouteReadiness {
    return readinessOf(route, active, (slotId) => this.#slots.status(slotId));
  }

  #statusOf({ credential }: Route): AuthSlotStatus | undefined {
    return credential.kind === "slot" ? this.#slots.status(credential.slot_id) : undefined;
  }

  #select(selection: Selection, choice: DefaultRoute | undefined) {
    const model = this.#selector(selection.model);
    const fallback = this.#selector(selection.fallback_model);
    const named = this.#named(selection, model, fallback) ?? this.#routeFor(model, choice);
    const { active, routes } = this.#under(choice);
    const route = routes.find(({ route_id }) => route_id === named.route_id) ?? named;
    return { model, fallback, route, active };
  }

  /** The inventory as an operator's choice makes it: its route first, with its model. */
  #under(choice: DefaultRoute | undefined): { active: Route | undefined; routes: readonly Route[] } {
    if (choice === undefined) return { active: this.#inventory[0], routes: this.#inventory };
    const found = this.find(choice.route_id);
    if (found === undefined) return { active: undefined, routes: this.#inventory };
    const { model } = choice;
    const active = { ...found, model, capabilities: capabilitiesOf(found, model) };
    return { active, routes: [active, ...this.#inventory.filter((route) => route !== found)] };
  }

  find(routeId: string): Route | undefined {
    return this.#inventory.find((route) => route.route_id === routeId);
  }

  #selector(text: string | undefined): Selector | undefined {
    return text === undefined ? undefined : parseSelector(text, (id) => this.find(id) !== undefined);
  }

  /** The route that the selection names, by whichever of its fields; two different ones are never a guess (02-R33). */
  #named(selection: Selection, model?: Selector, fallback?: Selector): Route | undefined {
    const ids = new Set(
      [selection.provider, model?.route_id, fallback?.route_id].filter((id) => id !== undefined),
    );
    const [id, other] = ids;
    if (id === undefined) return undefined;
    if (other !== undefined) {
      throw refused(
        `The selection names different routes: '${id}' and '${other}'. A model whose own name begins with a route id is written '<route>/<model>'.`,
      );
    }
    const route = this.find(id);
    if (route !== undefined) return route;
    throw problem("routes", "route_not_ready", `There is no route '${id}'. Use one of: ${this.#ids()}.`);
  }

  /** 02-R35. */
  #routeFor(model: Selector | undefined, choice: DefaultRoute | undefined): Route {
    const { active, routes } = this.#under(choice);
    if (model === undefined) return active ?? this.#gone(choice);
    if (active !== undefined && supportsModel(active, model.model)) return active;
    const [first, ...others] = routes.filter((route) => supportsModel(route, model.model));
    if (first === undefined) {
      throw refused(`No route supports the model '${model.model}'. Routes: ${this.#ids()}.`);
    }
    if (others.length === 0) return first;
    const candidates = [first, ...others].map((route) => `${route.route_id}/${model.model}`).join(", ");
    throw refused(`Several routes support the model '${model.model}': name one of ${candidates}.`);
  }

  #gone(choice: DefaultRoute | undefined): never {
    if (choice === undefined) return noRouteYet();
    throw problem(
      "routes",
      "route_not_ready",
      `The default route '${choice.route_id}' no longer exists. Set another with runtime set-model: ${this.#ids()}.`,
    );
  }

  #ids(): string {
    return this.#inventory.map((route) => route.route_id).join(", ") || "none";
  }
}

/** An account whose token is over, or so nearly that the call would have to refresh it. */
function isOver(status: AuthSlotStatus | undefined): boolean {
  return status?.account_state === "expired" || status?.account_state === "expiring";
}

function orUndefined<T>(choose: () => T): T | undefined {
  try {
    return choose();
  } catch (error) {
    if (isProblem(error)) return undefined;
    throw error;
  }
}

/** 02-R38. */
function noRouteYet(): never {
  throw problem(
    "routes",
    "route_not_ready",
    "This daemon has no route to a model yet: add one with 'kheish runtime routes add' or a routes file.",
  );
}

function checkSupport(route: Route, model: string): void {
  if (supportsModel(route, model)) return;
  throw refused(`Route '${route.route_id}' (${route.driver}) does not support the model '${model}'.`);
}

function refused(detail: string) {
  return problem("runtime", "runtime_validation_failed", detail);
}
