import { type DriverName, factsOf } from "./drivers.ts";
import type { AccountLogin, Credential, Env } from "./route.ts";
import { Secret } from "./secret.ts";

export interface CredentialSource {
  route_id: string;
  driver: DriverName;
  auth_ref?: string | undefined;
  api_key?: string | undefined;
  api_key_env?: string | undefined;
  /** The operator's word that the server needs no key. */
  unauthenticated?: boolean | undefined;
  openai_auth_source?: "api_key" | "codex" | undefined;
  openai_auth_file?: string | undefined;
  anthropic_auth_source?: "api_key" | "claude_code" | undefined;
  anthropic_credentials_file?: string | undefined;
}

/** The source of a key that stands in the routes file itself. */
export const INLINE_KEY = "the routes file";

/** A variable that is set to something. */
export function variable(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

/** The login that a route signs in with; a key that it names as well comes before it (02-R26). */
export function accountLoginOf(
  source: Omit<CredentialSource, "route_id" | "driver">,
): AccountLogin | undefined {
  if (source.api_key !== undefined || source.api_key_env !== undefined) return undefined;
  const { openai_auth_source, openai_auth_file, anthropic_auth_source, anthropic_credentials_file } = source;
  if (openai_auth_source === "codex") return loginOf("codex", openai_auth_file);
  return anthropic_auth_source === "claude_code"
    ? loginOf("claude_code", anthropic_credentials_file)
    : undefined;
}

function loginOf(program: AccountLogin["program"], file: string | undefined): AccountLogin {
  return file === undefined ? { program } : { program, file };
}

/**
 * 02-R26: slot, inline key, named variable, the login that the route names, and the driver's own variable only for the
 * route that bears its name.
 */
export function resolveCredential(source: CredentialSource, env: Env): Credential {
  const { route_id, driver, auth_ref, api_key, api_key_env, unauthenticated } = source;
  if (auth_ref !== undefined) return { kind: "slot", slot_id: auth_ref };
  if (api_key !== undefined) return { kind: "key", secret: new Secret(api_key), source: INLINE_KEY };
  if (api_key_env !== undefined) return fromVariables([api_key_env], route_id, env);
  const login = accountLoginOf(source);
  if (login !== undefined) return { kind: "slot", slot_id: `route.${route_id}`, login };
  const { keyVariables } = factsOf(driver);
  if (keyVariables.length === 0) {
    const undeclared = driver === "openai_compatible" && unauthenticated !== true;
    return undeclared ? { kind: "none", undeclared } : { kind: "none" };
  }
  if (route_id === driver) return fromVariables(keyVariables, route_id, env);
  return {
    kind: "missing",
    message: `Route '${route_id}' names no API key, and only a route called '${driver}' uses the driver's own variable.`,
    action: `Give the route an 'auth_ref' or an 'api_key_env' in the routes file and restart the daemon.`,
  };
}

function fromVariables(names: readonly string[], routeId: string, env: Env): Credential {
  for (const name of names) {
    const value = variable(env, name);
    if (value !== undefined) return { kind: "key", secret: new Secret(value), source: name };
  }
  return {
    kind: "missing",
    message: `Route '${routeId}' has no API key: ${names.join(", ")} ${names.length === 1 ? "is" : "are"} not set.`,
    action: `Set ${names[0]} in the daemon's environment and restart it.`,
  };
}
