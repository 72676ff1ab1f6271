import type { Binding } from "../../features/binding.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { AuthSettings } from "./security/auth-settings.ts";
import type { BindAddress } from "./security/bind-address.ts";
import type { CorsSettings } from "./security/cors-policy.ts";
import type { SecurityEvent } from "./security/refusal-log.ts";

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
  random: Random;
  /** False from the moment a drain begins. */
  readiness: () => boolean;
  /** Hears of every refused caller, limited per address (02-R89); the durable audit hangs here. */
  onSecurityEvent?: (event: SecurityEvent) => void;
  bodyLimitBytes?: number;
  heartbeatMs?: number;
  maxStreams?: number;
}

/** Twice the raw asset limit, so that an asset fits as base64 (08-R11). */
export const DEFAULT_BODY_LIMIT_BYTES = 24 * 1024 * 1024;
/** 01-R63. */
export const DEFAULT_HEARTBEAT_MS = 10_000;
export const DEFAULT_MAX_STREAMS = 1024;
