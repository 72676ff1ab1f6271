import type { ModelGenerationConfig } from "@kheish/contract";
import { KheishError } from "../errors.ts";

/** A named way to a model. `provider` is the route's id, `model` one that the route supports; default: the route's own. */
export interface RouteSelection {
  provider: string;
  model?: string;
}

/** `"openai"` is a route, `"openai/gpt-5.5"` one of its models. */
export type RouteInput = string | RouteSelection;

const through =
  (provider: string) =>
  (model?: string): RouteSelection => ({ provider, ...(model !== undefined && { model }) });

/** The routes that a daemon has by the names of their providers (05-R94). */
export const Route = {
  anthropic: through("anthropic"),
  google: through("google"),
  openai: through("openai"),
  openrouter: through("openrouter"),
  xai: through("xai"),
  simulator: through("simulator"),
};

/** A selection as the wire has it. A model of its own stands in the generation settings, over those that were given. */
export function routed(
  route: RouteInput | undefined,
  generation: ModelGenerationConfig | null | undefined,
): { provider?: string; generation?: ModelGenerationConfig } {
  const { provider, model } = selectionOf(route);
  const settings = model === undefined ? generation : { ...generation, model };
  return { ...(provider !== undefined && { provider }), ...(settings != null && { generation: settings }) };
}

function selectionOf(route: RouteInput | undefined): Partial<RouteSelection> {
  if (typeof route !== "string") return route ?? {};
  const slash = route.indexOf("/");
  const [provider, model] =
    slash === -1 ? [route, undefined] : [route.slice(0, slash), route.slice(slash + 1)];
  if (provider === "" || model === "") throw new KheishError(`'${route}' is neither a route nor route/model`);
  return { provider, ...(model !== undefined && { model }) };
}
