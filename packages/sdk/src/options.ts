import { KheishError } from "./errors.ts";
import { type Machine, theMachine } from "./machine.ts";

/** A token, or what gives one: asked at each request, so that a rotated token is taken up. */
export type TokenSource = string | (() => string | Promise<string>);

export interface KheishOptions {
  /** Default `KHEISH_BASE_URL`, else `http://127.0.0.1:4000`. A path in it stays. */
  baseUrl?: string | undefined;
  /** Bearer token. Default `KHEISH_TOKEN`, else none. */
  token?: TokenSource | undefined;
  /** How often a request is repeated where that can do no harm. Default 5, over about ten seconds. */
  maxRetries?: number | undefined;
  /** For each attempt of a request, in milliseconds; 0 = none. Default 60,000. */
  timeoutMs?: number | undefined;
  /** How long a daemon may stay away before a stream or a wait that it left gives up. Default 300,000; `Infinity` is allowed. */
  reconnectWithinMs?: number | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** For proxies, tests and runtimes without one. */
  fetch?: typeof fetch | undefined;
}

/** Options with every default filled in, and the machine below them. */
export interface Settings {
  readonly baseUrl: string;
  readonly token: TokenSource | undefined;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly reconnectWithinMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly machine: Machine;
}

const DEFAULT_BASE_URL = "http://127.0.0.1:4000";

/** 05-R93. An empty variable counts as none. */
export function settingsOf(options: KheishOptions, machine: Machine = theMachine): Settings {
  const { env } = machine;
  return {
    baseUrl: checkedBaseUrl(options.baseUrl ?? (env.KHEISH_BASE_URL || DEFAULT_BASE_URL)),
    token: options.token ?? (env.KHEISH_TOKEN || undefined),
    maxRetries: options.maxRetries ?? 5,
    timeoutMs: options.timeoutMs ?? 60_000,
    reconnectWithinMs: options.reconnectWithinMs ?? 300_000,
    headers: options.headers ?? {},
    machine: options.fetch === undefined ? machine : { ...machine, fetch: options.fetch },
  };
}

function checkedBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol))
    throw new KheishError(`baseUrl must be an http or https URL, not '${text}'`);
  if (url.username !== "" || url.password !== "")
    throw new KheishError("baseUrl must not hold credentials; use the option 'token'");
  return url.origin + url.pathname.replace(/\/+$/, "");
}
