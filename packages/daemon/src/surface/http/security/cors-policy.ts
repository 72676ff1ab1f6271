import { ServeConfigError } from "../config-error.ts";

/** An empty list is the loopback policy: every loopback origin (02-R90). */
export interface CorsSettings {
  allowedOrigins: readonly string[];
}

export interface CorsPolicy {
  readonly name: "loopback" | "exact";
  readonly originCount: number;
  allows(origin: string): boolean;
}

/** A page served by this machine: exactly one of three hosts, an optional port, and nothing behind it. */
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

export function corsPolicy(settings: CorsSettings): CorsPolicy {
  for (const origin of settings.allowedOrigins) checkEntry(origin);
  const exact = new Set(settings.allowedOrigins);
  if (exact.size === 0)
    return { name: "loopback", originCount: 0, allows: (origin) => LOOPBACK_ORIGIN.test(origin) };
  return { name: "exact", originCount: exact.size, allows: (origin) => exact.has(origin) };
}

function checkEntry(origin: string): void {
  if (!LOOPBACK_ORIGIN.test(origin))
    throw new ServeConfigError(
      `--http-cors-allow-origin '${origin}' is not a loopback origin: write http://localhost:3000, ` +
        "without a path and without '*'",
    );
}
