import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { buildRoute } from "./build.ts";
import { impossibleCapability } from "./capabilities.ts";
import { accountLoginOf } from "./credentials.ts";
import { DRIVER_KEYS, EXCLUSIVE_KEYS, RoutesFile, RouteTable } from "./file-schema.ts";
import { withOwnLogin } from "./own-login.ts";
import { type Env, type Route, RouteConfigError } from "./route.ts";

export interface ParsedRoutes {
  routes: Route[];
  default_route: string | undefined;
}

/** Reads a routes file (02-R18 to 02-R23). */
export function parseRoutes(text: string, env: Env): ParsedRoutes {
  const file = validate(RoutesFile, readToml(text), "");
  const routes = Object.entries(file.routes).map(([id, table]) => routeFrom(id, table, env));
  if (routes.length === 0)
    throw new RouteConfigError("The routes file has no routes: add a [routes.<id>] table.");
  if (routes.length > 1 && file.default_route === undefined) {
    throw new RouteConfigError("The routes file has more than one route: it needs a 'default_route'.");
  }
  return { routes, default_route: file.default_route };
}

/** One route by the rules of the file, wherever its table comes from (02-R19 to 02-R22). */
export function routeFrom(id: string, table: Record<string, unknown>, env: Env): Route {
  checkRouteId(id);
  const route = withOwnLogin(id, readTable(id, table), env);
  checkNeeds(id, route);
  return buildRoute(id, route, env);
}

/** A parser quotes the offending lines, and a line may hold a key: only its position is told (02-R18). */
function readToml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new RouteConfigError(
      `The routes file is not valid TOML at line ${error.line}, column ${error.column}.`,
    );
  }
}

/** 02-R19. */
function checkRouteId(id: string): void {
  if (id === "" || /[\s/]/.test(id)) {
    throw new RouteConfigError("A route id must not be empty and must hold neither '/' nor white space.");
  }
}

function readTable(id: string, table: Record<string, unknown>): RouteTable {
  const route = validate(RouteTable, table, `routes.${id}.`);
  for (const [one, other] of EXCLUSIVE_KEYS) {
    if (route[one] !== undefined && route[other] !== undefined) {
      throw new RouteConfigError(`routes.${id} has both '${one}' and '${other}': keep one of them.`);
    }
  }
  for (const [driver, keys] of Object.entries(DRIVER_KEYS)) {
    const stray = keys.find((key) => route[key] !== undefined);
    if (stray !== undefined && route.driver !== driver) {
      throw new RouteConfigError(`routes.${id}.${stray} only applies to driver '${driver}'.`);
    }
  }
  if (route.fallback_on !== undefined && route.fallback === undefined) {
    throw new RouteConfigError(
      `routes.${id}.fallback_on says when, and routes.${id}.fallback does not say where.`,
    );
  }
  for (const [file, source, account] of LOGIN_FILES) {
    if (route[file] !== undefined && route[source] !== account) {
      throw new RouteConfigError(`routes.${id}.${file} needs ${source} = "${account}".`);
    }
  }
  return route;
}

/** A file of somebody's login is read when the route says that it signs in with it, and never else. */
const LOGIN_FILES = [
  ["openai_auth_file", "openai_auth_source", "codex"],
  ["anthropic_credentials_file", "anthropic_auth_source", "claude_code"],
] as const;

function checkNeeds(id: string, route: RouteTable): void {
  if (route.driver === "simulator") {
    const stray = (["auth_ref", "api_key", "api_key_env", "base_url"] as const).find(
      (key) => route[key] !== undefined,
    );
    if (stray !== undefined)
      throw new RouteConfigError(`routes.${id}.${stray} does not apply to the simulator.`);
    return;
  }
  if (route.default_model === undefined)
    throw new RouteConfigError(`routes.${id}.default_model is required.`);
  if (route.driver === "openai_compatible" && route.base_url === undefined) {
    throw new RouteConfigError(`routes.${id}.base_url is required for driver 'openai_compatible'.`);
  }
  const isAccount = accountLoginOf(route) !== undefined;
  const impossible = impossibleCapability(route.driver, route, isAccount);
  if (impossible !== undefined) {
    throw new RouteConfigError(
      `routes.${id}.${impossible} is not something ${isAccount ? "an account of " : ""}driver '${route.driver}' can do.`,
    );
  }
}

/** What there is at a table's own level: nearly always one of them is what was meant. */
function known(schema: z.ZodType, path: readonly PropertyKey[]): string {
  if (path.length > 0 || !("shape" in schema)) return "";
  return `; there are ${Object.keys(schema.shape as object)
    .sort()
    .join(", ")}`;
}

/** Names the key that does not validate, never its value. */
function validate<T>(schema: z.ZodType<T>, value: unknown, prefix: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const path = `${prefix}${[...(issue?.path ?? []), ...key].join(".")}`;
  const isUnknown = issue?.code === "unrecognized_keys";
  const reason = isUnknown ? `unknown key${known(schema, issue.path)}` : (issue?.message ?? "not valid");
  throw new RouteConfigError(`The table of routes does not validate at ${path}: ${reason}.`);
}
