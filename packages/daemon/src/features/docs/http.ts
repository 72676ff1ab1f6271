import { problem } from "@kheish/contract";
import { type Binding, bind, ok, param, type Reply } from "../binding.ts";
import { manifestOf } from "./manifest.ts";
import { pageAt } from "./page.ts";
import type { DocsTree } from "./tree.ts";

/** What of the documentation is served beside its pages. */
const IMAGES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  svg: "image/svg+xml",
  webp: "image/webp",
};

/** The documentation of the running build (08-R9). */
export function docsBindings(docs: () => Promise<DocsTree>): Binding[] {
  return [
    bind("docsManifest", async () => ok(manifestOf(await docs()))),
    bind("docsPage", async (request) => {
      const path = param(request, "path");
      const tree = await docs();
      const page = pageAt(tree, path);
      const answer = page === undefined ? imageAt(tree, path) : ok(page);
      if (answer !== undefined) return answer;
      throw problem("docs", "docs_page_not_found", "the documentation has no such page; see GET /v1/docs");
    }),
  ];
}

function imageAt(tree: DocsTree, path: string): Reply | undefined {
  const contentType = IMAGES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
  const bytes = tree.get(path);
  if (contentType === undefined || bytes === undefined) return undefined;
  return { status: 200, bytes: once(bytes), contentType };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
