import { isHookAddress, refusedTarget } from "../../../governance/hooks/target.ts";
import { guardedFetch, type ResolveHost } from "../../../governance/outbound/guarded-fetch.ts";
import { OutboundRefused } from "../../../governance/outbound/refused.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { type Attempt, failed, type HookCaller, MAX_ANSWER_BYTES, readAnswer } from "./executor.ts";

const CONNECT_MS = 3_000;
const MAX_RETRY_AFTER_MS = 30_000;

export interface HttpOptions {
  resolve: ResolveHost;
  clock: Clock;
}

/** POSTs the input as JSON; the answer is an outcome (03-R50). */
export function httpCaller({ resolve, clock }: HttpOptions): HookCaller<"http"> {
  return async ({ executor, input, executionKey, signal }): Promise<Attempt> => {
    if (refusedTarget(executor.url) !== undefined) {
      return failed("blocked_private_network", "its URL is not one that a hook may call");
    }
    const unconnected = new AbortController();
    const timer = clock.schedule(CONNECT_MS, () => unconnected.abort());
    try {
      const stop = AbortSignal.any([signal, unconnected.signal]);
      const response = await guardedFetch((host) => checked(resolve, host, stop), executor.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "idempotency-key": `hook-execution-${executionKey}`,
        },
        body: JSON.stringify(input),
        signal: stop,
        onConnected: () => timer.cancel(),
        // What this operator's hook may reach was checked: see `isHookAddress`.
        allowPrivateNetwork: true,
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

/** All of its addresses must be ones that a hook may call: a client might try any of them. */
async function checked(resolve: ResolveHost, host: string, stop: AbortSignal): Promise<readonly string[]> {
  const stopped = Promise.withResolvers<never>();
  const onStop = () => stopped.reject(stop.reason);
  stop.addEventListener("abort", onStop, { once: true });
  const addresses = await Promise.race([resolve(host), stopped.promise]).finally(() =>
    stop.removeEventListener("abort", onStop),
  );
  if (addresses.every(isHookAddress)) return addresses;
  throw new OutboundRefused("blocked_private_network", `${host} is at an address that no hook may call`);
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
