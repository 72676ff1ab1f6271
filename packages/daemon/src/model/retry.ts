import type { ModelCallOptions, ModelOutcome, ModelRequest } from "../engine/ports.ts";
import { type Clock, sleep } from "../kernel/clock.ts";
import type { Random } from "../kernel/random.ts";
import type { Driver } from "./driver.ts";
import { type AttemptError, cancelled } from "./failure.ts";

export const MAX_ATTEMPTS = 4;
const BASE_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** What a provider may make us wait at most; a longer wait is the engine's to decide. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Below this an answer is not worth a call (02-R45). */
const MIN_FITTING_OUTPUT_TOKENS = 3_000;

export interface RetryPorts {
  clock: Clock;
  random: Random;
}

/** Calls until the driver answers, fails for good, or four attempts are spent (02-R45). */
export async function callWithRetries(
  driver: Driver,
  request: ModelRequest,
  options: ModelCallOptions,
  ports: RetryPorts,
): Promise<ModelOutcome> {
  let current = request;
  for (let attempt = 1; ; attempt++) {
    if (options.signal.aborted) return cancelled();
    const outcome = await driver.attempt(current, options);
    if (outcome.ok) return outcome;

    const { fitting_output_tokens, ...error } = outcome.error;
    if (attempt >= MAX_ATTEMPTS) return { ok: false, error };
    const fitted = fit(current, fitting_output_tokens);
    if (fitted !== undefined) {
      options.onRetry?.(error);
      current = fitted;
      continue;
    }
    if (!error.retryable) return { ok: false, error };
    options.onRetry?.(error);
    await sleep(ports.clock, delayBefore(attempt, error, ports.random), options.signal);
  }
}

/** The same request with the output limit that fits, when that is a real limit and new. */
function fit(request: ModelRequest, tokens: number | undefined): ModelRequest | undefined {
  const asked = request.generation.max_output_tokens ?? Number.POSITIVE_INFINITY;
  if (tokens === undefined || tokens < MIN_FITTING_OUTPUT_TOKENS || tokens >= asked) return undefined;
  return { ...request, generation: { ...request.generation, max_output_tokens: tokens } };
}

/** What the provider asked for; else exponential, half of it random so that callers do not come back together. */
function delayBefore(attempt: number, error: AttemptError, random: Random): number {
  if (error.retry_after_ms !== undefined) return Math.min(error.retry_after_ms, MAX_RETRY_AFTER_MS);
  const full = Math.min(BASE_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS);
  return full * (0.5 + random.unit() / 2);
}
