import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { CliContext, Environment } from "./context.ts";
import { UsageError } from "./errors.ts";
import { cannotRead } from "./file-failure.ts";

/** The flags that every command takes. */
export interface GlobalFlags {
  baseUrl?: string;
  token?: string;
  tokenFile?: string;
  output?: "pretty" | "json";
}

export const DEFAULT_DAEMON_URL = "http://127.0.0.1:4000";

/** Where the daemon is, without a trailing slash; a path in front of the API is kept. */
export function daemonUrl(flags: GlobalFlags, env: Environment): string {
  const text = flags.baseUrl ?? (env.KHEISH_DAEMON_URL || DEFAULT_DAEMON_URL);
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new UsageError(`the daemon's URL must start with http:// or https://, not '${text}'`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError("the daemon's URL must not hold credentials; use --token or --token-file");
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** The bearer token, if any: what stands on the command line wins over the environment. */
export async function daemonToken(flags: GlobalFlags, context: CliContext): Promise<string | undefined> {
  const { env } = context;
  const named = flags.token !== undefined || flags.tokenFile !== undefined;
  const inline = named ? flags.token : env.KHEISH_DAEMON_TOKEN || undefined;
  const file = named ? flags.tokenFile : env.KHEISH_DAEMON_TOKEN_FILE || undefined;
  if (inline !== undefined && file !== undefined) {
    throw new UsageError(
      named
        ? "give --token or --token-file, not both"
        : "set KHEISH_DAEMON_TOKEN or KHEISH_DAEMON_TOKEN_FILE, not both",
    );
  }
  const token = file === undefined ? inline : await readTokenFile(resolve(context.workingDirectory, file));
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new UsageError("the token is empty or holds characters that no token has");
  }
  return token;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new UsageError(cannotRead(path, error));
  }
}
