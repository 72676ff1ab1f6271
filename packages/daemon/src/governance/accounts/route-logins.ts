import { type AuthSlotRecord, isProblem } from "@kheish/contract";
import { factsOf } from "../../model/routes/drivers.ts";
import { type AccountLogin, type Env, type Route, RouteConfigError } from "../../model/routes/route.ts";
import type { Vault } from "../secrets/vault.ts";
import {
  claudeCodeAccount,
  claudeCredentialsPath,
  codexAccount,
  codexAuthPath,
  VendorFileError,
} from "./vendor-files.ts";

export interface RouteLoginDeps {
  vault: Vault;
  env: Env;
  readFile: (path: string) => Promise<string>;
}

/** What `auto` can choose between, for each driver that knows logins. */
const SOURCES = [
  {
    driver: "openai",
    variable: "KHEISH_OPENAI_AUTH_SOURCE",
    file: "KHEISH_OPENAI_AUTH_FILE",
    login: "codex",
  },
  {
    driver: "anthropic",
    variable: "KHEISH_ANTHROPIC_AUTH_SOURCE",
    file: "KHEISH_ANTHROPIC_CREDENTIALS_FILE",
    login: "claude-code",
  },
] as const;

/**
 * The environment with each auth source that is `auto` settled: a key comes first, else the login that was taken over
 * before, else one that is on this machine and can be kept (02-R26). Nobody's login is touched unless somebody said
 * `auto` or named it.
 */
export async function settledLogins({ vault, env, readFile }: RouteLoginDeps): Promise<Env> {
  const settled: Record<string, string | undefined> = { ...env };
  for (const { driver, variable, file, login } of SOURCES) {
    if (env[variable]?.trim() !== "auto") continue;
    const hasKey = factsOf(driver).keyVariables.some((name) => env[name]?.trim());
    const path = env[file]?.trim() || (login === "codex" ? codexAuthPath(env) : claudeCredentialsPath(env));
    const isThere = async () =>
      vault.status(`route.${driver}`) !== undefined ||
      (vault.isWritable && path !== undefined && (await readFile(path).then(Boolean, () => false)));
    settled[variable] = !hasKey && (await isThere()) ? login : "api-key";
  }
  return settled;
}

/**
 * Takes over the logins that routes name, each into the slot of its route and once: from then on the slot holds what is
 * refreshed, and the file what was (02-R26). Rejects with `RouteConfigError`.
 */
export async function takeOverLogins(routes: readonly Route[], deps: RouteLoginDeps): Promise<void> {
  for (const { route_id, credential } of routes) {
    if (credential.kind !== "slot" || credential.login === undefined) continue;
    const { slot_id, login } = credential;
    if (deps.vault.status(slot_id) === undefined) await takeOver(route_id, slot_id, login, deps);
  }
}

async function takeOver(
  routeId: string,
  slotId: string,
  login: AccountLogin,
  { vault, env, readFile }: RouteLoginDeps,
): Promise<void> {
  const refused = (why: string) =>
    new RouteConfigError(`Route '${routeId}' signs in with a login of ${login.program}, and ${why}.`);
  if (!vault.isWritable) throw refused("there is no master key to keep it under");
  const path = login.file ?? (login.program === "codex" ? codexAuthPath(env) : claudeCredentialsPath(env));
  if (path === undefined) throw refused("HOME is not set, so nobody knows where it is");
  const text = await readFile(path).catch(() => {
    throw refused("its file cannot be read");
  });
  try {
    await vault.put(recordOf(slotId, login, text, path, env), { actor: "daemon", expectedRevision: 0 });
  } catch (error) {
    if (error instanceof VendorFileError) throw refused(`its file ${error.reason}`);
    // Another daemon on the same store was here first.
    if (!isProblem(error) || error.code !== "secret_revision_conflict") throw error;
  }
}

function recordOf(
  slot_id: string,
  { program }: AccountLogin,
  text: string,
  path: string,
  env: Env,
): AuthSlotRecord {
  return program === "codex"
    ? { slot_id, provider: "open_ai", mode: "oauth_account", state: codexAccount(text, path, env, {}) }
    : { slot_id, provider: "anthropic", mode: "oauth_account", state: claudeCodeAccount(text, path, env) };
}
