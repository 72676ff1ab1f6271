import { createHash, timingSafeEqual } from "node:crypto";
import type { AuthSettings } from "./auth-settings.ts";

export type TokenRole = "admin" | "read_only";

/** One configured token file, as status shows it. */
export interface TokenFileState {
  role: TokenRole;
  path: string;
  readable: boolean;
  token_loaded: boolean;
  error?: string;
}

/** The tokens in force at this moment; only their digests are kept. */
export interface EffectiveTokens {
  admin?: Buffer;
  readOnly?: Buffer;
  /** Both roles hold the same token: nobody may pass until they differ (02-R86). */
  duplicate: boolean;
  files: TokenFileState[];
}

type ReadFile = (path: string) => Promise<string>;

/** Reads token files anew at each call, so that a rotation holds from the next request (02-R87). */
export async function loadTokens(settings: AuthSettings, readFile: ReadFile): Promise<EffectiveTokens> {
  const [admin, readOnly] = await Promise.all([
    loadRole("admin", settings.adminToken, settings.adminTokenFile, readFile),
    loadRole("read_only", settings.readOnlyToken, settings.readOnlyTokenFile, readFile),
  ]);
  return {
    ...(admin.digest && { admin: admin.digest }),
    ...(readOnly.digest && { readOnly: readOnly.digest }),
    duplicate: matches(admin.digest, readOnly.digest),
    files: [admin.file, readOnly.file].filter((file) => file !== undefined),
  };
}

/** SHA-256 of the trimmed token: equal lengths make the comparison constant in time (02-R85). */
export function tokenDigest(token: string): Buffer {
  return createHash("sha256").update(token.trim(), "utf8").digest();
}

export function matches(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}

interface LoadedRole {
  digest?: Buffer;
  file?: TokenFileState;
}

async function loadRole(
  role: TokenRole,
  inline: string | undefined,
  path: string | undefined,
  readFile: ReadFile,
): Promise<LoadedRole> {
  if (path === undefined) return inline === undefined ? {} : { digest: tokenDigest(inline) };
  try {
    const token = (await readFile(path)).trim();
    if (token === "")
      return { file: { role, path, readable: true, token_loaded: false, error: "the file is empty" } };
    return { digest: tokenDigest(token), file: { role, path, readable: true, token_loaded: true } };
  } catch (error) {
    return { file: { role, path, readable: false, token_loaded: false, error: reasonOf(error) } };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  return `the file cannot be read (${code})`;
}
