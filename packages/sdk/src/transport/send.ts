import type { Settings } from "../options.ts";
import { sleep, within } from "./deadline.ts";
import { open, type WireRequest, withNetworkErrors } from "./open.ts";
import { type Repeatability, retryDelay } from "./retry.ts";

export interface SendOptions {
  readonly repeatability: Repeatability;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxRetries?: number | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A whole exchange, made again where that can do no harm; throws what the last attempt did. */
export function send(settings: Settings, request: WireRequest, options: SendOptions): Promise<Answer> {
  return retried(settings, options, () =>
    within(settings.machine, limitsOf(settings, request, options), async (signal) => {
      const response = await open(settings, request, signal);
      const text = await withNetworkErrors(settings, signal, () => response.text());
      return { status: response.status, headers: response.headers, text };
    }),
  );
}

/** As `send`, but the body is the caller's to read, for as long as it takes: only until it begins is time limited. */
export function sendForBody(
  settings: Settings,
  request: WireRequest,
  options: SendOptions,
): Promise<Response> {
  return retried(settings, options, () => {
    // The signal of `within` ends with it; the body outlives it and stays bound to the caller's own.
    const bound = new AbortController();
    const { signal: own } = options;
    own?.addEventListener("abort", () => bound.abort(own.reason), { once: true });
    return within(settings.machine, limitsOf(settings, request, options), (signal) => {
      signal.addEventListener("abort", () => bound.abort(signal.reason), { once: true });
      return open(settings, request, bound.signal);
    });
  });
}

function limitsOf(settings: Settings, { method, path }: WireRequest, options: SendOptions) {
  const timeoutMs = options.timeoutMs ?? settings.timeoutMs;
  const late = `the daemon did not answer ${method} ${path} within ${timeoutMs} ms`;
  return { timeoutMs, signal: options.signal, late };
}

async function retried<T>(settings: Settings, options: SendOptions, attempt: () => Promise<T>): Promise<T> {
  const { machine } = settings;
  const maxRetries = options.maxRetries ?? settings.maxRetries;
  for (let retries = 0; ; retries++) {
    try {
      return await attempt();
    } catch (error) {
      options.signal?.throwIfAborted();
      const delay = retryDelay(error, options.repeatability, retries, machine.random());
      if (delay === undefined || retries >= maxRetries) throw error;
      await sleep(machine, delay, options.signal);
    }
  }
}
