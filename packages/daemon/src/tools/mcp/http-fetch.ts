/** Who may be sent where a server points us: the same origin, with the same method and body. */
const REPEATABLE_REDIRECTS = new Set([307, 308]);
const MAX_REDIRECTS = 5;
/** A single answer that is no stream of events. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

export type HeaderSource = () => Promise<Readonly<Record<string, string>>>;

/**
 * `fetch` towards one configured server (03-A1): its host may be anywhere, also on this machine, but a redirect to
 * another origin is refused, for it would carry the credentials along. `headers` are asked for with each request, so
 * that a credential that was revoked or renewed counts from the next one on.
 */
export function serverFetch(fetching: typeof fetch, headers: HeaderSource): typeof fetch {
  return async (input, init) => {
    const given = new Headers(init?.headers);
    for (const [name, value] of Object.entries(await headers())) given.set(name, value);
    let url = new URL(input instanceof Request ? input.url : input);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await fetching(url, { ...init, headers: given, redirect: "manual" });
      if (answer.status < 300 || answer.status >= 400 || answer.status === 304) return bounded(answer);
      await answer.body?.cancel();
      url = redirectTarget(url, answer);
    }
    throw new Error(`the server redirects more than ${MAX_REDIRECTS} times`);
  };
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
