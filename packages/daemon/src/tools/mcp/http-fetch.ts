import { sameOriginFetch } from "../../governance/outbound/same-origin.ts";
import { EventGuard } from "./event-guard.ts";
import { Nesting } from "./nesting.ts";

/** A single answer, or one event of a stream. */
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

/** What is more than anybody needs is not read to its end. */
function bounded(answer: Response): Response {
  if (answer.body === null) return answer;
  const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const guard = isStream ? new EventGuard(MAX_BODY_BYTES) : new BodyGuard();
  const looked = answer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        if (guard.take(chunk)) controller.enqueue(chunk);
        else controller.error(new Error(`the answer exceeds ${MAX_BODY_BYTES} bytes, or nests too deep`));
      },
    }),
  );
  const { status, statusText, headers } = answer;
  return new Response(looked, { status, statusText, headers });
}

class BodyGuard {
  readonly #nesting = new Nesting();
  #bytes = 0;

  take(chunk: Uint8Array): boolean {
    this.#bytes += chunk.byteLength;
    return this.#bytes <= MAX_BODY_BYTES && this.#nesting.take(chunk);
  }
}
