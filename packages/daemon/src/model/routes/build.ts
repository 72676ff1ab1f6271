import { FallbackTrigger } from "@kheish/contract";
import type { ModelLimits } from "../../engine/ports.ts";
import { resolveBaseUrl } from "./base-url.ts";
import { effectiveCapabilities } from "./capabilities.ts";
import { accountLoginOf, resolveCredential, variable } from "./credentials.ts";
import { CAPABILITIES, type DriverName, factsOf } from "./drivers.ts";
import { RouteTable } from "./file-schema.ts";
import { withOwnLogin } from "./own-login.ts";
import { type Env, type Route, RouteConfigError } from "./route.ts";

/** 02-A8. */
const DEFAULT_LIMITS = { timeout_ms: 600_000, inactivity_timeout_ms: 120_000 };
/** The simulator takes as long as its script says, unless its route says less. */
const NO_LIMIT = {
  timeout_ms: Number.POSITIVE_INFINITY,
  inactivity_timeout_ms: Number.POSITIVE_INFINITY,
};

/** A route as its table and the environment make it. */
export function buildRoute(routeId: string, table: RouteTable, env: Env): Route {
  const { driver } = table;
  const model = table.default_model ?? factsOf(driver).defaultModel;
  if (model === undefined) throw new RouteConfigError(`routes.${routeId}.default_model is required.`);
  const base_url = resolveBaseUrl(routeId, driver, table.base_url, env);
  // Like a key, other settings of the environment belong to the route that bears the driver's name.
  const ownEnv = driver === routeId ? env : {};
  const named = (name: string | undefined) => (name === undefined ? undefined : required(routeId, env, name));
  const organization =
    table.organization ?? named(table.organization_env) ?? variable(ownEnv, "OPENAI_ORGANIZATION");
  const project = table.project ?? named(table.project_env) ?? variable(ownEnv, "OPENAI_PROJECT");
  const anthropic_version = table.anthropic_version ?? variable(ownEnv, "ANTHROPIC_VERSION");
  const patience = driver === "simulator" ? NO_LIMIT : DEFAULT_LIMITS;
  const overrides = Object.fromEntries(CAPABILITIES.map((name) => [name, table[name]]));
  return {
    route_id: routeId,
    driver,
    model,
    model_support: table.model_support,
    capabilities: effectiveCapabilities({
      driver,
      model,
      overrides,
      account: accountLoginOf(table) !== undefined,
    }),
    capability_overrides: overrides,
    credential: resolveCredential({ route_id: routeId, ...table }, env),
    anthropic_beta_headers: table.anthropic_beta_headers ?? list(variable(ownEnv, "ANTHROPIC_BETA_HEADERS")),
    fallback: table.fallback ?? [],
    fallback_on: table.fallback_on ?? FallbackTrigger.options,
    timeout_ms: table.timeout_ms ?? patience.timeout_ms,
    inactivity_timeout_ms: table.inactivity_timeout_ms ?? patience.inactivity_timeout_ms,
    ...(table.prices === undefined ? {} : { prices: table.prices }),
    ...(table.limits === undefined ? {} : { limits: limitsIn(table.limits) }),
    ...(base_url === undefined ? {} : { base_url }),
    ...(organization === undefined ? {} : { organization }),
    ...(project === undefined ? {} : { project }),
    ...(anthropic_version === undefined ? {} : { anthropic_version }),
  };
}

/** A route that stands in no file: named after its driver, all settings at their defaults. */
export function builtInRoute(driver: DriverName, env: Env, own: Partial<RouteTable> = {}): Route {
  return buildRoute(driver, withOwnLogin(driver, RouteTable.parse({ driver, ...own }), env), env);
}

/** An organization that is named but not there would send the bill to somebody else. */
function required(routeId: string, env: Env, name: string): string {
  const value = variable(env, name);
  if (value !== undefined) return value;
  throw new RouteConfigError(`routes.${routeId} names the variable ${name}, which is not set.`);
}

function limitsIn({ context_tokens, max_output_tokens }: NonNullable<RouteTable["limits"]>): ModelLimits {
  return {
    ...(context_tokens === undefined ? {} : { context_tokens }),
    ...(max_output_tokens === undefined ? {} : { max_output_tokens }),
  };
}

function list(text: string | undefined): string[] {
  return (text ?? "").split(",").flatMap((item) => (item.trim() === "" ? [] : [item.trim()]));
}
