import type { DocsPage } from "@kheish/contract";
import type { DocsTree } from "./tree.ts";

const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/;

/** The page at a path without extension; undefined where the documentation has none (08-R9). */
export function pageAt(tree: DocsTree, asked: string): DocsPage | undefined {
  const path = asked.replaceAll(/^\/+|\/+$/g, "");
  if (path === "" || path.includes("..")) return undefined;
  const bytes = tree.get(`${path}.mdx`) ?? tree.get(`${path}.md`);
  return bytes === undefined ? undefined : pageOf(path, new TextDecoder().decode(bytes));
}

/**
 * The front matter has `title` and `description` as plain lines. A page without says its title in its first heading;
 * failing that it is called as its file is.
 */
export function pageOf(path: string, text: string): DocsPage {
  const [matter = "", lines = ""] = FRONT_MATTER.exec(text) ?? [];
  const content = text.slice(matter.length);
  const named = (name: string) => valueIn(lines, name);
  const description = named("description");
  return {
    path,
    title: named("title") ?? /^# +(.+?)\s*$/m.exec(content)?.[1] ?? path.slice(path.lastIndexOf("/") + 1),
    ...(description === undefined ? {} : { description }),
    content,
  };
}

/** The value may hold colons; quotes around it are no part of it. */
function valueIn(lines: string, name: string): string | undefined {
  const line = lines.split(/\r?\n/).find((one) => one.startsWith(`${name}:`));
  const value = line
    ?.slice(name.length + 1)
    .trim()
    .replace(/^(["'])(.*)\1$/, "$2");
  return value || undefined;
}
