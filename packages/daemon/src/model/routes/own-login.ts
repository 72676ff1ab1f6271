import { variable } from "./credentials.ts";
import type { RouteTable } from "./file-schema.ts";
import type { Env } from "./route.ts";

/** What says where a route's credential comes from. */
const SOURCES = [
  "auth_ref",
  "api_key",
  "api_key_env",
  "openai_auth_source",
  "anthropic_auth_source",
] as const satisfies (keyof RouteTable)[];

/**
 * `serve --openai-auth-source`, `--anthropic-auth-source` and their variables belong, as a driver's key does, to the route
 * that bears the driver's name, where it says nothing itself (02-R26). `auto` has been settled before; see `settledLogins`.
 */
export function withOwnLogin(routeId: string, table: RouteTable, env: Env): RouteTable {
  if (routeId !== table.driver || SOURCES.some((key) => table[key] !== undefined)) return table;
  if (routeId === "openai" && variable(env, "KHEISH_OPENAI_AUTH_SOURCE") === "codex") {
    const openai_auth_file = variable(env, "KHEISH_OPENAI_AUTH_FILE");
    return { ...table, openai_auth_source: "codex", openai_auth_file };
  }
  if (routeId === "anthropic" && variable(env, "KHEISH_ANTHROPIC_AUTH_SOURCE") === "claude-code") {
    const anthropic_credentials_file = variable(env, "KHEISH_ANTHROPIC_CREDENTIALS_FILE");
    return { ...table, anthropic_auth_source: "claude_code", anthropic_credentials_file };
  }
  return table;
}
