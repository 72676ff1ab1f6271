import { resolve } from "node:path";
import { ServeConfigError } from "../config-error.ts";
import { type BindAddress, isLoopbackHost } from "./bind-address.ts";

/** `auto`: a loopback bind may do without a token; any other needs one (02-R83). */
export type AuthMode = "auto" | "bearer" | "none";

/** The serve flags of the same names. A role has its token inline or in a file, not both. */
export interface AuthSettings {
  mode: AuthMode;
  adminToken?: string;
  adminTokenFile?: string;
  readOnlyToken?: string;
  readOnlyTokenFile?: string;
}

/** The mode decides; in `auto` a configured token asks for itself, on loopback too (02-A4). */
export function isAuthEnabled(settings: AuthSettings): boolean {
  if (settings.mode === "auto") return hasAdmin(settings) || hasReadOnly(settings);
  return settings.mode === "bearer";
}

export function hasAdmin(settings: AuthSettings): boolean {
  return settings.adminToken !== undefined || settings.adminTokenFile !== undefined;
}

export function hasReadOnly(settings: AuthSettings): boolean {
  return settings.readOnlyToken !== undefined || settings.readOnlyTokenFile !== undefined;
}

/** Refuses settings that would serve less protected than they look (02-R83, 02-R86). Reads no file. */
export function checkAuthSettings(bind: BindAddress, settings: AuthSettings): void {
  checkSources("admin", settings.adminToken, settings.adminTokenFile);
  checkSources("read-only", settings.readOnlyToken, settings.readOnlyTokenFile);
  if (hasReadOnly(settings) && !hasAdmin(settings))
    throw new ServeConfigError("a read-only token needs an admin token next to it: set --http-admin-token");
  checkDistinct(settings);
  if (settings.mode === "bearer" && !hasAdmin(settings))
    throw new ServeConfigError("--http-auth-mode bearer needs an admin token: set --http-admin-token[-file]");
  if (isLoopbackHost(bind.host)) return;
  if (settings.mode === "none")
    throw new ServeConfigError(
      `--http-auth-mode none serves loopback only, not '${bind.host}': bind 127.0.0.1 or use bearer`,
    );
  if (!hasAdmin(settings))
    throw new ServeConfigError(
      `binding '${bind.host}' needs an admin token: set --http-admin-token[-file] or bind 127.0.0.1`,
    );
}

function checkSources(role: string, inline: string | undefined, file: string | undefined): void {
  if (inline !== undefined && file !== undefined)
    throw new ServeConfigError(`the ${role} token is given inline and as a file: keep one of them`);
  if (inline?.trim() === "" || file?.trim() === "")
    throw new ServeConfigError(`the ${role} token is set but empty`);
}

function checkDistinct(settings: AuthSettings): void {
  const { adminToken, adminTokenFile, readOnlyToken, readOnlyTokenFile } = settings;
  const sameValue = adminToken !== undefined && adminToken.trim() === readOnlyToken?.trim();
  const sameFile =
    adminTokenFile !== undefined &&
    readOnlyTokenFile !== undefined &&
    resolve(adminTokenFile) === resolve(readOnlyTokenFile);
  if (sameValue || sameFile)
    throw new ServeConfigError("the admin and the read-only token are the same: give each role its own");
}
