import { z } from "zod";
import { urlTarget } from "../../engine/action-target.ts";
import { guardedFetch } from "../../governance/outbound/guarded-fetch.ts";
import { readBody } from "../../governance/outbound/read-body.ts";
import { accounted } from "./accounted.ts";
import { outbound, webFailure } from "./failure.ts";
import type { SearchEngine } from "./search-engine.ts";
import type { WebOptions } from "./web-fetch.ts";

const MAX_ANSWER_BYTES = 2_097_152;

const Answer = z.object({
  results: z.array(z.object({ url: z.string(), title: z.string().nullish(), content: z.string().nullish() })),
});

/** A SearXNG instance, or what speaks like one: `GET {base}/search?q=…&format=json`. Its operator configured it (03-A1). */
export function searxng(base: URL, { network, record, userAgent }: WebOptions): SearchEngine {
  return {
    id: "searxng",
    search(query, context) {
      const url = searchUrl(base, query);
      const what = { kind: "web_search", target: urlTarget(base.href), sent: { query } };
      return outbound(context.signal, () =>
        accounted(record, context, what, async () => {
          const response = await guardedFetch(network, url, {
            namedBy: "operator",
            signal: context.signal,
            headers: { accept: "application/json", "user-agent": userAgent },
          });
          if (response.status !== 200) {
            await response.body?.cancel();
            throw webFailure(
              "status",
              `the search engine answers ${response.status}${hintFor(response.status)}`,
            );
          }
          return hitsIn(await readBody(response, MAX_ANSWER_BYTES));
        }),
      );
    },
  };
}

function searchUrl(base: URL, query: string): URL {
  const url = new URL(base);
  if (!url.pathname.endsWith("/search")) url.pathname = `${url.pathname.replace(/\/$/, "")}/search`;
  url.searchParams.set("q", query);
  url.searchParams.set("format", "json");
  return url;
}

function hintFor(status: number): string {
  return status === 403 ? ": its settings.yml must list json under search.formats" : "";
}

function hitsIn({ bytes }: { bytes: Buffer }) {
  const answer = Answer.safeParse(parsed(bytes.toString("utf8")));
  if (!answer.success)
    throw webFailure("decode", "the search engine answers something else than SearXNG's JSON");
  return answer.data.results.map(({ url, title, content }) => ({
    url,
    title: title ?? "",
    snippet: content ?? "",
  }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
