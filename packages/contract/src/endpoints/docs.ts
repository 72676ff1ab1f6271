import { DocsManifest, DocsPage } from "../docs.ts";
import { define } from "./parts.ts";

export const docsEndpoints = define({
  docsManifest: {
    method: "GET",
    path: "/v1/docs",
    tag: "docs",
    summary: "The documentation of this build: its pages by group",
    access: "read",
    responses: { 200: DocsManifest },
  },
  docsPage: {
    method: "GET",
    path: "/v1/docs/{*path}",
    tag: "docs",
    summary: "One page as Markdown; a path of an image answers the image",
    access: "read",
    responses: { 200: DocsPage },
  },
});
