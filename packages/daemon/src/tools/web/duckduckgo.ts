import { Parser } from "htmlparser2";
import { urlTarget } from "../../engine/action-target.ts";
import { accounted } from "./accounted.ts";
import { outbound, webFailure } from "./failure.ts";
import { fetchText } from "./fetch-page.ts";
import type { Hit, SearchEngine } from "./search-engine.ts";
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
          return hitsInPage(text);
        }),
      );
    },
  };
}

/** Reads the results of the page: a link of class `result__a` each, then a text of class `result__snippet`. */
export function hitsInPage(html: string): Hit[] {
  const hits: Hit[] = [];
  let into: "title" | "snippet" | undefined;
  let depth = 0;
  const parser = new Parser({
    onopentag(_name, { class: classes = "", href = "" }) {
      if (into !== undefined) depth += 1;
      else if (has(classes, "result__a")) {
        hits.push({ url: targetOf(href), title: "", snippet: "" });
        into = "title";
      } else if (has(classes, "result__snippet") && hits.length > 0) into = "snippet";
    },
    ontext(text) {
      const hit = hits.at(-1);
      if (hit !== undefined && into !== undefined) hit[into] += text;
    },
    onclosetag() {
      if (into === undefined) return;
      if (depth === 0) into = undefined;
      else depth -= 1;
    },
  });
  parser.end(html);
  return hits.map(({ url, title, snippet }) => ({ url, title: oneLine(title), snippet: oneLine(snippet) }));
}

function has(classes: string, name: string): boolean {
  return classes.split(/\s+/).includes(name);
}

/** Links lead through a page that counts; where to is in its `uddg`. */
function targetOf(href: string): string {
  const url = URL.parse(href, ENDPOINT);
  return url?.searchParams.get("uddg") ?? url?.href ?? href;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
