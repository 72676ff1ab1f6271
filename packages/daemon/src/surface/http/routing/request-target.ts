/** Path and query of a request line, as sent: nothing decoded, no dot segment resolved. */
export interface RequestTarget {
  path: string;
  /** Without the question mark; empty when there is none. */
  query: string;
}

const AUTHORITY = /^https?:\/\/[^/?#]*/i;

/**
 * Splits the raw request target. URL parsers would turn `/v1/sessions/%2E%2E` into `/v1/`,
 * which is another resource; an id is one percent-encoded segment whatever it spells.
 */
export function requestTarget(raw: string): RequestTarget {
  const relative = raw.replace(AUTHORITY, "");
  const [beforeFragment = ""] = relative.split("#", 1);
  const mark = beforeFragment.indexOf("?");
  if (mark === -1) return { path: beforeFragment || "/", query: "" };
  return { path: beforeFragment.slice(0, mark) || "/", query: beforeFragment.slice(mark + 1) };
}
