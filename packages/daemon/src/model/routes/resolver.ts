import { problem, type ResolvedModelRoute } from "@kheish/contract";
import type { PinnedRoute, RouteReadiness, RouteResolver } from "../../engine/ports.ts";
import { type CredentialPort, NO_CREDENTIALS } from "../credential-port.ts";
import { supportsModel } from "./model-support.ts";
import { readinessOf } from "./readiness.ts";
import type { Route, RouteInventory } from "./route.ts";
import { parseSelector, type Selector } from "./selector.ts";

type Selection = Parameters<RouteResolver["resolve"]>[0];

/** Turns what a caller asked for into the one route a run is pinned to (02-R32 to 02-R36). */
export class InventoryResolver implements RouteResolver {
  readonly #inventory: RouteInventory;
  readonly #slots: Pick<CredentialPort, "status">;

  constructor(inventory: RouteInventory, slots: Pick<CredentialPort, "status"> = NO_CREDENTIALS) {
    this.#inventory = inventory;
    this.#slots = slots;
  }

  resolve(selection: Selection): PinnedRoute {
    const model = this.#selector(selection.model);
    const fallback = this.#selector(selection.fallback_model);
    const route = this.#named(selection, model, fallback) ?? this.#routeFor(model);

    const chosen = model?.model ?? route.model;
    checkSupport(route, chosen);
    if (fallback !== undefined) checkSupport(route, fallback.model);
    const readiness = this.#readinessOf(route);
    if (readiness.state === "error") {
      throw problem("routes", "route_not_ready", [readiness.message, readiness.action].join(" ").trim());
    }
    return {
      route_id: route.route_id,
      driver: route.driver,
      model: chosen,
      ...(fallback === undefined ? {} : { fallback_model: fallback.model }),
    };
  }

  routes(): ResolvedModelRoute[] {
    return this.#inventory.map(({ route_id, driver, model, capabilities, credential }) => ({
      route_id,
      provider: driver,
      model,
      ...(credential.kind === "slot" ? { auth_ref: credential.slot_id } : {}),
      capabilities,
    }));
  }

  readiness(): RouteReadiness[] {
    return this.#inventory.map((route) => this.#readinessOf(route));
  }

  #readinessOf(route: Route): RouteReadiness {
    return readinessOf(route, this.#inventory[0], (slotId) => this.#slots.status(slotId));
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
  #routeFor(model: Selector | undefined): Route {
    const active = this.#inventory[0];
    if (model === undefined || supportsModel(active, model.model)) return active;
    const [first, ...others] = this.#inventory.filter((route) => supportsModel(route, model.model));
    if (first === undefined) {
      throw refused(`No route supports the model '${model.model}'. Routes: ${this.#ids()}.`);
    }
    if (others.length === 0) return first;
    const candidates = [first, ...others].map((route) => `${route.route_id}/${model.model}`).join(", ");
    throw refused(`Several routes support the model '${model.model}': name one of ${candidates}.`);
  }

  #ids(): string {
    return this.#inventory.map((route) => route.route_id).join(", ");
  }
}

function checkSupport(route: Route, model: string): void {
  if (supportsModel(route, model)) return;
  throw refused(`Route '${route.route_id}' (${route.driver}) does not support the model '${model}'.`);
}

function refused(detail: string) {
  return problem("runtime", "runtime_validation_failed", detail);
}
