import { type Followed, type FollowOptions, guardedGet } from "../../governance/outbound/follow.ts";
import type { Network } from "../../governance/outbound/guarded-fetch.ts";
import { readBody } from "../../governance/outbound/read-body.ts";
import { OutboundRefused } from "../../governance/outbound/refused.ts";
import { decodeText } from "./charset.ts";
import { mediaTypeOf, type TextKind, textKind } from "./media-type.ts";

/** Of a body as it comes, and of the text that is made of it (03-R17). */
export const MAX_BODY_BYTES = 131_072;
const MAX_HEADER_BYTES = 4_096;
/** What would let the next request be recognised; nobody but a browser has use for it. */
const NOT_SHOWN = new Set(["set-cookie", "set-cookie2"]);

export interface TextFetched extends Followed {
  text: string;
  kind: TextKind;
  bytesRead: number;
  truncated: boolean;
}

export interface Page extends Omit<TextFetched, "text" | "kind"> {
  headers: Record<string, string>;
  body: string;
  /** What `body` is: a page of HTML comes as Markdown. */
  format: "markdown" | "text";
}

/** Fetches a URL for an agent to read (03-R17). Rejects with `OutboundRefused`, or with whatever broke the connection. */
export async function fetchPage(network: Network, url: string, options: FollowOptions): Promise<Page> {
  const { text, kind, ...fetched } = await fetchText(network, url, options);
  const headers = headersOf(fetched.response);
  if (kind !== "html") return { ...fetched, headers, body: text, format: "text" };
  // The parser is large, and most daemons at rest have read no page.
  const { htmlToMarkdown } = await import("./markdown.ts");
  const markdown = htmlToMarkdown(text, fetched.url.href, MAX_BODY_BYTES);
  const truncated = fetched.truncated || markdown.truncated;
  return { ...fetched, headers, body: markdown.text, format: "markdown", truncated };
}

/** The same, as it is. */
export async function fetchText(network: Network, url: string, options: FollowOptions): Promise<TextFetched> {
  const followed = await guardedGet(network, url, options);
  const { response } = followed;
  const type = mediaTypeOf(response.headers.get("content-type"));
  const kind = response.body === null ? "text" : textKind(type);
  if (kind === undefined) {
    await response.body?.cancel();
    const what = type.name === "" ? "of no declared type" : `of type '${type.name.slice(0, 100)}'`;
    throw new OutboundRefused("unsupported_content_type", `the answer is ${what}, and only text is read`);
  }
  const { bytes, truncated } = await readBody(response, MAX_BODY_BYTES);
  return { ...followed, text: decodeText(bytes, type, kind), kind, bytesRead: bytes.length, truncated };
}

function headersOf({ headers }: Response): Record<string, string> {
  const shown = [...headers].filter(([name]) => !NOT_SHOWN.has(name));
  // Values are bytes, one a character.
  return Object.fromEntries(shown.map(([name, value]) => [name, value.slice(0, MAX_HEADER_BYTES)]));
}
