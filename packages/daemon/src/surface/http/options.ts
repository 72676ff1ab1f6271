import type { Binding } from "../../features/binding.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { Console } from "./console/files.ts";
import type { RedactJson } from "./response/problems.ts";
import type { AuthSettings } from "./security/auth-settings.ts";
import type { BindAddress } from "./security/bind-address.ts";
import type { BrowserSessions } from "./security/browser-sessions.ts";
import type { CorsSettings } from "./security/cors-policy.ts";
import type { NamedTokens } from "./security/named-tokens.ts";
import type { SecurityEvent } from "./security/refusal-log.ts";
import type { StreamLimits } from "./sse/stream-places.ts";

export interface Answered {
  method: string;
  /** `unmatched` where no endpoint took the request. */
  route: string;
  status: number;
  seconds: number;
}

export interface HttpOptions {
  /** Where the daemon listens; the security rules depend on it. */
  bind: BindAddress;
  /** What the features bound. Probes and the OpenAPI document are the surface's own. */
  bindings: readonly Binding[];
  auth: AuthSettings;
  cors: CorsSettings;
  /** Reads a token file; rejects when it cannot. */
  readFile: (path: string) => Promise<string>;
  logger: Log;
  clock: Clock;
  /** Of the daemon, as MCP clients are told; absent: there is no `/mcp`. */
  version?: string;
  random: Random;
  /** Takes secrets out of every refusal. */
  redact?: RedactJson;
  /** False from the moment a drain begins. */
  readiness: () => boolean;
  /** Whether the state root is still the one that this daemon locked; by default it is. */
  isRootHeld?: () => boolean;
  /** Hears of every refused caller, limited per address (02-R89); the durable audit hangs here. */
  onSecurityEvent?: (event: SecurityEvent) => void;
  /** Tokens beside the two flat ones; default none. */
  namedTokens?: NamedTokens;
  /** Browsers that stay signed in; default none. */
  browserSessions?: BrowserSessions;
  /** Addresses and CIDR ranges of proxies whose `X-Forwarded-For` is believed; default nobody's. */
  trustedProxies?: readonly string[];
  /** Requests a minute that one caller may make; default 0, which is no bound. */
  requestsPerMinute?: number;
  /** What is served at the root; default nothing. */
  console?: Console;
  /** Of a body that may hold files. */
  /** Hears of every answer, by the template of its path. */
  onAnswer?: (answer: Answered) => void;
  bodyLimitBytes?: number;
  heartbeatMs?: number;
  /** Streams that may be open at a time. */
  maxStreams?: number;
  /** Streams that one principal but the operator may have open; default half of all. */
  maxStreamsPerPrincipal?: number;
}

/** Twice the raw asset limit, so that an asset fits as base64 (08-R11). */
export const DEFAULT_BODY_LIMIT_BYTES = 24 * 1024 * 1024;
/** 01-R63. */
export const DEFAULT_HEARTBEAT_MS = 10_000;
export const DEFAULT_MAX_STREAMS = 1024;

/** How many streams there may be, and whose (02-W21). */
export function streamLimits({ maxStreams, maxStreamsPerPrincipal }: HttpOptions): StreamLimits {
  const total = maxStreams ?? DEFAULT_MAX_STREAMS;
  return { total, perPrincipal: maxStreamsPerPrincipal ?? Math.max(1, Math.floor(total / 2)) };
}
