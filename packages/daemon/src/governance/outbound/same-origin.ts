import { REDIRECTS } from "./guarded-fetch.ts";
import { OutboundRefused } from "./refused.ts";

/** With these the same request is to be made again; any other would be another one. */
const REPEATED = new Set([307, 308]);
const MAX_REDIRECTS = 5;

/**
 * `fetch` towards what an operator configured (03-A1): it may be anywhere, also on this machine, but a redirect to another
 * origin is refused, for it would carry the credentials along.
 */
export function sameOriginFetch(fetching: typeof fetch): typeof fetch {
  return async (input, init) => {
    // The body of a request object can be read once, and a redirect wants it again.
    const ask = (url: URL) =>
      input instanceof Request
        ? fetching(new Request(url, input.clone()), { ...init, redirect: "manual" })
        : fetching(url, { ...init, redirect: "manual" });
    let url = new URL(input instanceof Request ? input.url : input);
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await ask(url);
      if (!REDIRECTS.has(answer.status)) return answer;
      await answer.body?.cancel();
      url = redirectTarget(url, answer);
    }
    throw new OutboundRefused("status", `the server redirects more than ${MAX_REDIRECTS} times`);
  };
}

function redirectTarget(from: URL, answer: Response): URL {
  const location = answer.headers.get("location") ?? "";
  if (!REPEATED.has(answer.status) || !URL.canParse(location, from))
    throw new OutboundRefused(
      "status",
      `the server redirects (${answer.status}), and only a 307 or 308 is followed`,
    );
  const to = new URL(location, from);
  if (to.origin !== from.origin)
    throw new OutboundRefused(
      "status",
      "the server redirects to another origin, which is not followed: configure that URL",
    );
  return to;
}
