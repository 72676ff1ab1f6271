import { Parser } from "htmlparser2";
import { MarkdownWriter } from "./markdown-writer.ts";

/** Pages nest a few dozen deep; what nests deeper than browsers follow is there to wear its reader out. */
const MAX_DEPTH = 512;
/** How much is parsed before it is looked whether to go on. */
const PIECE = 4_096;

export interface Markdown {
  text: string;
  /** The page went on. */
  truncated: boolean;
}

/**
 * A page as Markdown: headings, paragraphs, lists, tables, code, links made absolute; no scripts, no styles, nothing that
 * a reader of the page would not see. Linear in time and without recursion, whatever the page is made of, and at most
 * `maxChars` long.
 */
export function htmlToMarkdown(html: string, url: string, maxChars: number): Markdown {
  const writer = new MarkdownWriter(url, maxChars);
  let depth = 0;
  const parser = new Parser({
    onopentag: (name, attributes) => {
      depth += 1;
      writer.open(name, attributes);
    },
    ontext: (text) => writer.text(text),
    onclosetag: (name) => {
      depth -= 1;
      writer.close(name);
    },
  });
  for (let at = 0; at < html.length; at += PIECE) {
    if (writer.isFull || depth > MAX_DEPTH) return { text: writer.toString(), truncated: true };
    parser.write(html.slice(at, at + PIECE));
  }
  parser.end();
  return { text: writer.toString(), truncated: writer.isFull };
}
