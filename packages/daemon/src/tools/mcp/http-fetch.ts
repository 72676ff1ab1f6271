import { sameOriginFetch } from "../../governance/outbound/same-origin.ts";

/** A single answer that is no stream of events. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export type HeaderSource = () => Promise<Readonly<Record<string, string>>>;

/**
 * `fetch` towards one configured server (03-A1). `headers` are asked for with each request, so that a credential that was
 * revoked or renewed counts from the next one on.
 */
export function serverFetch(fetching: typeof fetch, headers: HeaderSource): typeof fetch {
  const configured = sameOriginFetch(fetching);
  return async (input, init) => {
    const given = new Headers(init?.headers);
    for (const [name, value] of Object.entries(await headers())) given.set(name, value);
    return bounded(await configured(input, { ...init, headers: given }));
  };
}

function bounded(answer: Response): Response {
  const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (answer.body === null || isStream) return answer;
  let seen = 0;
  const counted = answer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        if (seen > MAX_BODY_BYTES) controller.error(new Error(`the answer exceeds ${MAX_BODY_BYTES} bytes`));
        else controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = answer;
  return new Response(counted, { status, statusText, headers });
}
