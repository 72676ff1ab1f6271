import { refusedTarget } from "../../../governance/hooks/target.ts";
import { guardedFetch, type Network } from "../../../governance/outbound/guarded-fetch.ts";
import { OutboundRefused } from "../../../governance/outbound/refused.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { type Attempt, failed, type HookCaller, MAX_ANSWER_BYTES, readAnswer } from "./executor.ts";

const CONNECT_MS = 3_000;
const MAX_RETRY_AFTER_MS = 30_000;

export interface HttpOptions {
  network: Network;
  clock: Clock;
}

/** POSTs the input as JSON; the answer is an outcome (03-R50). */
export function httpCaller({ network, clock }: HttpOptions): HookCaller<"http"> {
  return async ({ executor, input, executionKey, signal }): Promise<Attempt> => {
    if (refusedTarget(executor.url) !== undefined) {
      return failed("blocked_private_network", "its URL is not one that a hook may call");
    }
    const unconnected = new AbortController();
    const timer = clock.schedule(CONNECT_MS, () => unconnected.abort());
    try {
      const stop = AbortSignal.any([signal, unconnected.signal]);
      const response = await guardedFetch(network, executor.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "idempotency-key": `hook-execution-${executionKey}`,
        },
        body: JSON.stringify(input),
        signal: stop,
        onConnected: () => timer.cancel(),
        namedBy: "operator",
      });
      return await answerOf(response, clock);
    } catch (error) {
      if (error instanceof OutboundRefused) return failed(error.failureClass, "the request was refused");
      if (signal.aborted) return failed("interrupted", "it was stopped");
      const why = unconnected.signal.aborted ? `no connection within ${CONNECT_MS} ms` : "the request broke";
      return failed("transport", why, { retryable: true });
    } finally {
      timer.cancel();
    }
  };
}

async function answerOf(response: Response, clock: Clock): Promise<Attempt> {
  const { status, body } = response;
  if (status < 200 || status > 299) {
    await body?.cancel();
    const retryable = status === 408 || status === 429 || status >= 500;
    const retryAfterMs = retryable ? retryAfter(response.headers.get("retry-after"), clock.now()) : undefined;
    return failed("status", `it answered ${status}`, {
      retryable,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
  const text = body === null ? "" : await readAnswer(body as unknown as AsyncIterable<Uint8Array>);
  if (text !== undefined) return { kind: "text", text };
  return failed("response_too_large", `it answered more than ${MAX_ANSWER_BYTES} bytes`);
}

/** Seconds or a date, at most half a minute. */
function retryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds), MAX_RETRY_AFTER_MS) : undefined;
}
