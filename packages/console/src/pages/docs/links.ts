/** Where a link of a documentation page leads. */
export type Link =
  | { kind: "page"; path: string; hash: string }
  | { kind: "here"; hash: string }
  | { kind: "outside"; url: string }
  /** A file that only a checkout has. */
  | { kind: "none" };

/** Links are written for files beside each other: `../hooks.md#events` in `operations/incident`. */
export function linkOf(page: string, href: string): Link {
  if (href.startsWith("#")) return { kind: "here", hash: href.slice(1) };
  if (/^https?:\/\//.test(href)) return { kind: "outside", url: href };
  const { path, hash } = resolved(page, href);
  return /\.mdx?$/.test(path) ? { kind: "page", path: path.replace(/\.mdx?$/, ""), hash } : { kind: "none" };
}

/** An image beside a page, as the daemon serves it. */
export function imageOf(page: string, source: string): string | undefined {
  if (/^[a-z]+:/i.test(source)) return undefined;
  return `/v1/docs/${resolved(page, source).path.split("/").map(encodeURIComponent).join("/")}`;
}

function resolved(page: string, href: string): { path: string; hash: string } {
  // Any origin does: what counts is how relative paths are put together.
  const { pathname, hash } = new URL(href, new URL(page, "http://docs/"));
  return { path: decodeURIComponent(pathname.slice(1)), hash: hash.slice(1) };
}
