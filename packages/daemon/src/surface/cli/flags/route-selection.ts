import type { ModelGenerationConfig } from "@kheish/contract";
import type { DaemonClient } from "../client/client.ts";
import { UsageError } from "../errors.ts";

export interface RouteSelection {
  provider?: string;
  generation?: ModelGenerationConfig;
}

/**
 * Reads `<route>/<model>` out of the model selectors (02-R32, R33). Slashes are also part of model
 * names, so a prefix counts only when the daemon knows a route of that name.
 */
export async function selectRoute(
  client: DaemonClient,
  provider: string | undefined,
  generation: ModelGenerationConfig | undefined,
): Promise<RouteSelection> {
  const selectors = [generation?.model, generation?.fallback_model];
  const routes = selectors.some((selector) => selector?.includes("/")) ? await routeIds(client) : [];
  const [model, fallback] = selectors.map((selector) => split(selector, routes));
  const named = new Set([provider, model?.route, fallback?.route].filter((route) => route !== undefined));
  if (named.size > 1) {
    throw new UsageError(`the flags name different routes: ${[...named].join(", ")}`);
  }
  const [route] = named;
  return {
    ...(route !== undefined && { provider: route }),
    ...(generation !== undefined && {
      generation: {
        ...generation,
        ...(model && { model: model.name }),
        ...(fallback && { fallback_model: fallback.name }),
      },
    }),
  };
}

async function routeIds(client: DaemonClient): Promise<string[]> {
  const runtime = await client.call("getRuntime");
  return (runtime.routes ?? []).map(({ route_id }) => route_id);
}

function split(
  selector: string | undefined,
  routes: readonly string[],
): { route: string | undefined; name: string } | undefined {
  if (selector === undefined) return undefined;
  const slash = selector.indexOf("/");
  const prefix = selector.slice(0, Math.max(0, slash));
  if (!routes.includes(prefix)) return { route: undefined, name: selector };
  const name = selector.slice(slash + 1);
  if (name === "") throw new UsageError(`'${selector}' names a route but no model`);
  return { route: prefix, name };
}
