import { ServeConfigError } from "../config-error.ts";

/** Both lists empty is the loopback policy: every loopback origin (02-R90). */
export interface CorsSettings {
  allowedOrigins: readonly string[];
  /** Pages of other machines, each named exactly (02-W20). */
  hostedOrigins?: readonly string[];
}

export interface CorsPolicy {
  readonly name: "loopback" | "exact";
  readonly originCount: number;
  allows(origin: string): boolean;
}

/** A page served by this machine: exactly one of three hosts, an optional port, and nothing behind it. */
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

export function corsPolicy({ allowedOrigins, hostedOrigins = [] }: CorsSettings): CorsPolicy {
  for (const origin of allowedOrigins) checkLoopback(origin);
  for (const origin of hostedOrigins) checkHosted(origin);
  const exact = new Set([...allowedOrigins, ...hostedOrigins]);
  if (exact.size === 0)
    return { name: "loopback", originCount: 0, allows: (origin) => LOOPBACK_ORIGIN.test(origin) };
  return { name: "exact", originCount: exact.size, allows: (origin) => exact.has(origin) };
}

/** A page elsewhere may hold a token, but must not become the operator because nobody is asked for one. */
export function checkCorsSettings({ hostedOrigins = [] }: CorsSettings, authEnabled: boolean): void {
  if (hostedOrigins.length > 0 && !authEnabled)
    throw new ServeConfigError(
      "--http-cors-allow-hosted-origin needs auth: set --http-admin-token[-file], or any such page is the operator",
    );
}

function checkLoopback(origin: string): void {
  if (!LOOPBACK_ORIGIN.test(origin))
    throw new ServeConfigError(
      `--http-cors-allow-origin '${origin}' is not a loopback origin: write http://localhost:3000, without a path ` +
        "and without '*'; for a page of another machine there is --http-cors-allow-hosted-origin",
    );
}

/** As browsers send it, or it would never match; over TLS, or anybody in between could be that page. */
function checkHosted(origin: string): void {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  const exact = url?.protocol === "https:" && url.origin === origin && !origin.includes("*");
  if (!exact || LOOPBACK_ORIGIN.test(origin))
    throw new ServeConfigError(
      `--http-cors-allow-hosted-origin '${origin}' is not the https origin of a page: write ` +
        "https://console.example.com in lower case, without a path, a default port and '*'",
    );
}
