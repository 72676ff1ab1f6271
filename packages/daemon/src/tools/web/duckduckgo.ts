import { urlTarget } from "../../engine/action-target.ts";
import { accounted } from "./accounted.ts";
import { outbound, webFailure } from "./failure.ts";
import { fetchText } from "./fetch-page.ts";
import type { SearchEngine } from "./search-engine.ts";
import type { WebOptions } from "./web-fetch.ts";

const ENDPOINT = "https://html.duckduckgo.com/html/";

/** The public page of DuckDuckGo that needs no scripts and no key; what is used where nothing else is configured. */
export function duckduckgo(options: WebOptions): SearchEngine {
  const { network, record, userAgent } = options;
  return {
    id: "duckduckgo_html",
    search(query, context) {
      const url = new URL(ENDPOINT);
      url.searchParams.set("q", query);
      const what = { kind: "web_search", target: urlTarget(ENDPOINT), sent: { query } };
      return outbound(context.signal, () =>
        accounted(record, context, what, async () => {
          const { response, text } = await fetchText(network, url.href, {
            signal: context.signal,
            headers: { accept: "text/html", "user-agent": userAgent },
          });
          if (response.status !== 200)
            throw webFailure(
              "status",
              `DuckDuckGo answers ${response.status}: it may take the daemon for a robot`,
            );
          const { hitsInPage } = await import("./duckduckgo-page.ts");
          return hitsInPage(text, ENDPOINT);
        }),
      );
    },
  };
}
