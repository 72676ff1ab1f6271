import { sameOriginFetch } from "../../governance/outbound/same-origin.ts";

/** A single answer that is no stream of events. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What a request carries to be let in. */
export interface Authorization {
  headers: Readonly<Record<string, string>>;
  /** The server has said 401 or 403, and done nothing. `again`: with what is asked for anew; rejects with why not. */
  onRefused?: (answer: Response) => Promise<"again" | "pass">;
}

/**
 * `fetch` towards one configured server (03-A1). `authorize` is asked with each request, so that a credential that was
 * revoked or renewed counts from the next one on; a refused request is repeated once at most.
 */
export function serverFetch(fetching: typeof fetch, authorize: () => Promise<Authorization>): typeof fetch {
  const configured = sameOriginFetch(fetching);
  return async (input, init) => {
    const send = ({ headers }: Authorization) => {
      const given = new Headers(init?.headers);
      for (const [name, value] of Object.entries(headers)) given.set(name, value);
      return configured(input, { ...init, headers: given });
    };
    const first = await authorize();
    const answer = await send(first);
    if (!isRefusal(answer) || first.onRefused === undefined) return bounded(answer);
    if ((await first.onRefused(answer)) === "pass") return bounded(answer);
    await answer.body?.cancel();
    const second = await authorize();
    const last = await send(second);
    if (isRefusal(last)) await second.onRefused?.(last);
    return bounded(last);
  };
}

function isRefusal({ status }: Response): boolean {
  return status === 401 || status === 403;
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
