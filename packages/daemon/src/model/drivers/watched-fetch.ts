import type { Fetch } from "./provider.ts";

/** A fetch that tells of every piece received: keep-alive lines count, which the SDKs swallow. */
export function watchedFetch(fetch: Fetch, onActivity: () => void): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init);
    onActivity();
    if (response.body === null) return response;
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          onActivity();
          controller.enqueue(chunk);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(body, { status, statusText, headers });
  };
}
