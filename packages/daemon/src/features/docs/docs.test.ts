import { expect, test } from "vitest";
import type { Reply } from "../binding.ts";
import { docsBindings } from "./index.ts";
import type { DocsTree } from "./tree.ts";

function treeOf(files: Record<string, string>): DocsTree {
  return new Map(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]));
}

async function answer(files: Record<string, string>, path?: string): Promise<Reply> {
  const endpoint = path === undefined ? "docsManifest" : "docsPage";
  const binding = docsBindings(async () => treeOf(files)).find((one) => one.endpoint === endpoint);
  const params: Record<string, string> = path === undefined ? {} : { path };
  return binding?.handle({ params } as never) as Promise<Reply>;
}
const jsonOf = async (reply: Promise<Reply>) => ((await reply) as { json: unknown }).json;

test("08-R9 front matter names a page and is no part of it: quotes go, colons stay", async () => {
  const text = "---\ntitle: \"Flows: a tour\"\ndescription: 'what: why'\nicon: x\n---\n# Another title\n";
  expect(await jsonOf(answer({ "a/flows.mdx": text }, "/a/flows/"))).toEqual({
    path: "a/flows",
    title: "Flows: a tour",
    description: "what: why",
    content: "# Another title\n",
  });
});

test("08-R9 .mdx is before .md; a page without a title says its heading, or its name", async () => {
  const files = { "a.md": "old", "a.mdx": "new", "b/c.md": "intro\n\n# The heading\n" };
  expect(await jsonOf(answer(files, "a"))).toEqual({ path: "a", title: "a", content: "new" });
  expect(await jsonOf(answer(files, "b/c"))).toMatchObject({ title: "The heading" });
});

test("the manifest: groups at the top, then each tab's; what is missing or empty is left out", async () => {
  const navigation = {
    tabs: [{ tab: "API", groups: [{ group: "Reference", pages: ["http"] }] }],
    groups: [
      { group: "Welcome", pages: ["gone", "start"] },
      { group: "Empty", pages: ["gone"] },
    ],
  };
  const files = { "docs.json": JSON.stringify({ name: "N", navigation }), "start.md": "s", "http.md": "h" };
  expect(await jsonOf(answer(files))).toEqual({
    name: "N",
    description: "",
    groups: [
      { group: "Welcome", pages: [{ path: "start", title: "start" }] },
      { group: "Reference", pages: [{ path: "http", title: "http" }] },
    ],
  });
});

test.each([{}, { "docs.json": "{" }, { "docs.json": '{"navigation": 1}' }])(
  "a manifest that cannot be read, as of %j, is one without groups",
  async (files) => {
    expect(await jsonOf(answer(files as Record<string, string>))).toEqual({
      name: "Kheish daemon",
      description: "",
      groups: [],
    });
  },
);

test("an image is itself, with its type; nothing else is served", async () => {
  const files = { "images/a.SVG": "<svg/>", "secret.txt": "x", "docs.json": "{}" };
  const image = await answer(files, "images/a.SVG");
  expect(image).toMatchObject({ status: 200, contentType: "image/svg+xml" });
  for (const path of ["secret.txt", "docs.json", "images/b.png", "toString"])
    await expect(answer(files, path)).rejects.toMatchObject({ code: "docs_page_not_found" });
});
