import { builtInRoute } from "./build.ts";
import { variable } from "./credentials.ts";
import { DRIVER_NAMES, type DriverName } from "./drivers.ts";
import { type Env, type Route, RouteConfigError } from "./route.ts";
import { Secret } from "./secret.ts";

/** What flags say about the first route; variables fill what they leave out. */
export interface PrimaryRoute {
  provider?: string;
  model?: string;
  apiKey?: string;
}

/** Drivers that need nothing but a key, in the order in which they become routes. */
const KEYED_DRIVERS = ["anthropic", "google", "openai", "xai", "openrouter"] as const satisfies DriverName[];
const DEFAULT_PROVIDER = "anthropic";

/** 02-R31: the chosen provider first, then every other one with a key, or with a login that was asked for. */
export function environmentRoutes(env: Env, flags: PrimaryRoute = {}): Route[] {
  const primary = primaryRoute(env, flags);
  const others = KEYED_DRIVERS.filter((driver) => driver !== primary?.driver)
    .map((driver) => builtInRoute(driver, env))
    .filter(({ credential }) => credential.kind === "key" || credential.kind === "slot");
  return primary === undefined ? others : [primary, ...others];
}

/** Present as soon as a flag or variable asks for it, with or without a key: what was asked for is shown as not ready. */
function primaryRoute(env: Env, flags: PrimaryRoute): Route | undefined {
  const provider = flags.provider ?? variable(env, "KHEISH_PROVIDER");
  const model = flags.model ?? variable(env, "KHEISH_MODEL");
  const apiKey = flags.apiKey ?? variable(env, "KHEISH_API_KEY");
  if (provider === undefined && model === undefined && apiKey === undefined) return undefined;
  const driver = driverNamed(provider ?? DEFAULT_PROVIDER);
  const route = builtInRoute(driver, env, model === undefined ? {} : { default_model: model });
  if (apiKey === undefined) return route;
  const source = "--api-key or KHEISH_API_KEY";
  return { ...route, credential: { kind: "key", secret: new Secret(apiKey), source } };
}

function driverNamed(provider: string): DriverName {
  const driver = DRIVER_NAMES.find((name) => name === provider && name !== "openai_compatible");
  if (driver !== undefined) return driver;
  throw new RouteConfigError(
    `'${provider}' is not a provider that works without a routes file: use one of ${[...KEYED_DRIVERS, "simulator"].join(", ")}.`,
  );
}
