import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Client } from "../http/support/client.ts";
import { ServedDaemon } from "../support/served.ts";

const DOCS = fileURLToPath(new URL("../../../../docs", import.meta.url));
const GROUPS = [
  "Welcome",
  "Concepts",
  "Automation",
  "Operations",
  "Integrate",
  "API reference",
  "Operational reference",
];

let daemon: ServedDaemon;
const api = new Client(() => daemon.baseUrl);
beforeAll(async () => {
  daemon = await ServedDaemon.start({ store: "sqlite" });
});
afterAll(() => daemon.remove());

async function written(): Promise<string[]> {
  const names = await readdir(DOCS, { recursive: true });
  return names.filter((name) => name.endsWith(".md")).map((name) => name.replace(/\.md$/, ""));
}

const served = async () => (await api.call("docsManifest")).groups.flatMap(({ pages }) => pages);

describe("GET /v1/docs", () => {
  test("08-R9 has every page that is written, in the groups that readers know", async () => {
    const { name, groups } = await api.call("docsManifest");
    expect(name).toBe("Kheish");
    expect(groups.map(({ group }) => group)).toEqual(GROUPS);
    expect((await served()).map(({ path }) => path).toSorted()).toEqual((await written()).toSorted());
  });

  test("08-R9 a page is the text of this build, and says its title", async () => {
    for (const { path, title } of await served()) {
      const page = await api.call("docsPage", { params: { path } });
      expect(page).toEqual({ path, title, content: await readFile(join(DOCS, `${path}.md`), "utf8") });
      expect(page.content).toContain(`# ${title}`);
    }
  });

  test("a page's links to others lead to pages", async () => {
    const known = new Set((await served()).map(({ path }) => path));
    const broken: string[] = [];
    for (const path of known) {
      const { content } = await api.call("docsPage", { params: { path } });
      for (const [, target = ""] of content.matchAll(/\]\(([^)#\s]+\.md)/g)) {
        const full = join(dirname(path), target).replace(/\.md$/, "");
        if (!target.includes("://") && !known.has(full)) broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  test.each(["nothing", "operations", "concepts.md", "docs.json", "operations/kheish-alerts.yml"])(
    "08-R9 %s is no page",
    async (path) => {
      const refused = await api.refusal("docsPage", { params: { path } });
      expect(refused).toMatchObject({ status: 404, domain: "docs", code: "docs_page_not_found" });
    },
  );

  test.each([
    "..%2fpackage",
    "%2e%2e%2f%2e%2e%2fpackage.json",
    "operations/..%2f..%2fREADME",
    "%2fetc%2fpasswd",
  ])("08-R9 /v1/docs/%s leads nowhere", async (path) => {
    const answer = await fetch(`${daemon.baseUrl}/v1/docs/${path}`);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ domain: "docs", code: "docs_page_not_found" });
  });
});
