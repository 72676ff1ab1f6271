/** Who may be sent where a server points us: the same origin, with the same method and body. */
const REPEATABLE_REDIRECTS = new Set([307, 308]);
const MAX_REDIRECTS = 5;
/** A single answer that is no stream of events. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What a request carries to be let in. */
export interface Authorization {
  headers: Readonly<Record<string, string>>;
  /** The server has said 401 or 403, and done nothing. `again`: with what is asked for anew; rejects with why not. */
  onRefused?: (answer: Response) => Promise<"again" | "pass">;
}

/**
 * `fetch` towards one configured server (03-A1): its host may be anywhere, also on this machine, but a redirect to
 * another origin is refused, for it would carry the credentials along. `authorize` is asked with each request, so that a
 * credential that was revoked or renewed counts from the next one on; a refused one is repeated once at most.
 */
export function serverFetch(fetching: typeof fetch, authorize: () => Promise<Authorization>): typeof fetch {
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const send = async ({ headers }: Authorization) => {
      const given = new Headers(init?.headers);
      for (const [name, value] of Object.entries(headers)) given.set(name, value);
      return followed(fetching, url, { ...init, headers: given });
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

async function followed(fetching: typeof fetch, from: URL, init: RequestInit): Promise<Response> {
  let url = from;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await fetching(url, { ...init, redirect: "manual" });
    if (answer.status < 300 || answer.status >= 400 || answer.status === 304) return answer;
    await answer.body?.cancel();
    url = redirectTarget(url, answer);
  }
  throw new Error(`the server redirects more than ${MAX_REDIRECTS} times`);
}

function redirectTarget(from: URL, answer: Response): URL {
  const location = answer.headers.get("location") ?? "";
  if (!REPEATABLE_REDIRECTS.has(answer.status) || !URL.canParse(location, from))
    throw new Error(`the server redirects (${answer.status}), and only a 307 or 308 is followed`);
  const to = new URL(location, from);
  if (to.origin !== from.origin)
    throw new Error("the server redirects to another origin, which is not followed: configure that URL");
  return to;
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
