import { z } from "zod";

export const DocsPageSummary = z
  .object({
    path: z.string().describe("below /v1/docs/, without extension"),
    title: z.string(),
    description: z.string().optional(),
  })
  .meta({ id: "DocsPageSummary" });
export type DocsPageSummary = z.infer<typeof DocsPageSummary>;

/** The documentation of the build that runs, in the order in which it is read. */
export const DocsManifest = z
  .object({
    name: z.string(),
    description: z.string(),
    groups: z.array(z.object({ group: z.string(), pages: z.array(DocsPageSummary) })),
  })
  .meta({ id: "DocsManifest" });
export type DocsManifest = z.infer<typeof DocsManifest>;

export const DocsPage = DocsPageSummary.extend({
  content: z.string().describe("Markdown, without its front matter"),
}).meta({ id: "DocsPage" });
export type DocsPage = z.infer<typeof DocsPage>;
