import { Parser } from "htmlparser2";
import type { Hit } from "./search-engine.ts";

/** Reads the results of the page at this address: a link of class `result__a` each, then a text of class `result__snippet`. */
export function hitsInPage(html: string, address: string): Hit[] {
  const hits: Hit[] = [];
  let into: "title" | "snippet" | undefined;
  let depth = 0;
  const parser = new Parser({
    onopentag(_name, { class: classes = "", href = "" }) {
      if (into !== undefined) depth += 1;
      else if (has(classes, "result__a")) {
        hits.push({ url: targetOf(href, address), title: "", snippet: "" });
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
function targetOf(href: string, address: string): string {
  const url = URL.parse(href, address);
  return url?.searchParams.get("uddg") ?? url?.href ?? href;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
