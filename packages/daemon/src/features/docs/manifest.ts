import type { DocsManifest, DocsPageSummary } from "@kheish/contract";
import { z } from "zod";
import { pageAt } from "./page.ts";
import type { DocsTree } from "./tree.ts";

const MANIFEST = "docs.json";
const NAME = "Kheish daemon";

const Groups = z.array(z.object({ group: z.string(), pages: z.array(z.string()) })).default([]);
const ManifestFile = z.object({
  name: z.string().default(NAME),
  description: z.string().default(""),
  navigation: z.object({ groups: Groups, tabs: z.array(z.object({ groups: Groups })).default([]) }),
});

/**
 * The groups at the top, then those of each tab. A page that is listed and not there is left out, and so is a group
 * without any; a manifest that cannot be read is one without groups.
 */
export function manifestOf(tree: DocsTree): DocsManifest {
  const file = ManifestFile.safeParse(parsed(tree.get(MANIFEST)));
  if (!file.success) return { name: NAME, description: "", groups: [] };
  const { name, description, navigation } = file.data;
  const groups = [...navigation.groups, ...navigation.tabs.flatMap((tab) => tab.groups)].map(
    ({ group, pages }) => ({ group, pages: pages.flatMap((path) => summaryOf(tree, path) ?? []) }),
  );
  return { name, description, groups: groups.filter(({ pages }) => pages.length > 0) };
}

function summaryOf(tree: DocsTree, path: string): DocsPageSummary | undefined {
  const page = pageAt(tree, path);
  if (page === undefined) return undefined;
  const { content: _content, ...summary } = page;
  return summary;
}

function parsed(bytes: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
