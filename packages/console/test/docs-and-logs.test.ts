import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildConsole, Operator } from "./support/operator.ts";

let at: Operator;
beforeAll(async () => {
  await buildConsole();
  at = await Operator.arrive();
});
afterAll(() => at.leave());
afterEach(async () => expect(await at.settle()).toEqual([]));

describe("the documentation", () => {
  const heading = (name: string) => at.page.getByRole("heading", { name, level: 1, exact: true });
  const contents = () => at.page.getByRole("navigation", { name: "Documentation" });

  test("is looked through by title, and its links lead to pages and headings", async () => {
    await at.goto("/docs");
    await heading("Documentation").waitFor();
    await at.page.getByLabel("Search titles").fill("metr");
    await expect.poll(() => contents().getByRole("link").allInnerTexts()).toEqual(["Metrics"]);
    await contents().getByRole("link", { name: "Metrics" }).click();
    await heading("Metrics").waitFor();
    await at.page.getByLabel("Search titles").fill("");
    await contents().getByRole("link", { name: "Console" }).click();
    await heading("Console").waitFor();
    await at.page.getByRole("article").getByRole("link", { name: "the SDK" }).click();
    await heading("@kheish/sdk").waitFor();
    expect(new URL(at.page.url()).pathname).toBe("/docs/sdk");
    await at.page.goBack();
    await heading("Console").waitFor();
  });

  test("says of a page that is not there that it is not", async () => {
    await at.goto("/docs/no/such/page");
    await at.page.getByRole("alert").getByText("docs_page_not_found").waitFor();
  });

  test("a page that meant harm is text: no HTML, no script, no address that runs one", async () => {
    const content = [
      "<script>globalThis.harmed = true</script>",
      '<img src="/x" onerror="globalThis.harmed = true">',
      "[press me](javascript:globalThis.harmed=true)",
      "[and me](data:text/html,harm)",
      "[outside](https://example.com/)",
      "[a file](../packages/secret.ts)",
    ].join("\n\n");
    await at.page.route("**/v1/docs/harm", (route) =>
      route.fulfill({ json: { path: "harm", title: "Harm", content } }),
    );
    await at.goto("/docs/harm");
    await heading("Harm").waitFor();
    const article = at.page.getByRole("article");
    await article.getByText("press me").waitFor();
    expect(await article.locator("script, img").count()).toBe(0);
    const links = await article
      .getByRole("link")
      .evaluateAll((all) => all.map((one) => [one.getAttribute("href"), one.getAttribute("rel")]));
    expect(links).toEqual([["https://example.com/", "noopener noreferrer"]]);
    expect(await at.page.evaluate("globalThis.harmed")).toBeUndefined();
  });
});

describe("the log", () => {
  const lines = () => at.page.getByRole("region", { name: /^\d+ lines$/ }).getByRole("button");

  test("is told as it is written, stands still while somebody reads, and shows all of a line", async () => {
    await at.goto("/logs");
    await lines().getByText("kheish is ready").waitFor();
    await at.kheish.sessions.create({ session: "seen-at-once" });
    await lines().filter({ hasText: "seen-at-once" }).waitFor();
    await at.page.getByRole("button", { name: "Pause" }).click();
    await at.kheish.sessions.create({ session: "not-yet" });
    await at.page.getByRole("button", { name: "Go on (1 new)" }).waitFor();
    expect(await lines().filter({ hasText: "not-yet" }).count()).toBe(0);
    await at.page.getByRole("button", { name: "Go on (1 new)" }).click();
    await lines().filter({ hasText: "not-yet" }).click();
    await at.page.getByText('"session_id": "not-yet"').waitFor();
    expect(await at.barriers()).toEqual([]);
  });

  test("is filtered by the daemon, and the filter can be sent to somebody", async () => {
    await at.kheish.sessions.create({ session: "needle" });
    await at.goto("/logs");
    await at.page.getByLabel("Text").fill("NEEDLE");
    await expect.poll(() => lines().count()).toBe(1);
    await expect.poll(() => at.page.url()).toContain("text=NEEDLE");
    await at.page.reload();
    await expect.poll(() => lines().count()).toBe(1);
    await at.page.getByLabel("Level").selectOption("error");
    await at.page.getByText("No line yet that passes.").waitFor();
  });

  test("a filter is all that was typed and chosen, however fast; whoever leaves meanwhile is not called back", async () => {
    await at.goto("/logs");
    await at.page.getByLabel("Target").fill("kheish");
    await at.page.getByLabel("Text").fill("in a hurry");
    await at.page.getByLabel("Level").selectOption("warn");
    const search = () => Object.fromEntries(new URL(at.page.url()).searchParams);
    await expect.poll(search).toEqual({ target: "kheish", text: "in a hurry", level: "warn" });
    await at.page.getByLabel("Text").fill("gone");
    await at.visit("Runs");
    await at.page.getByRole("heading", { name: "Runs", level: 1 }).waitFor();
    // Set after the page's own wait for the end of the word, and as long: it ends after that.
    await at.page.evaluate("new Promise((resolve) => setTimeout(resolve, 300))");
    expect(new URL(at.page.url()).pathname).toBe("/runs");
  });

  test("survives the daemon's death on the open page, in order and once", async () => {
    await at.goto("/logs");
    await lines().getByText("kheish is ready").first().waitFor();
    await at.live.daemon.kill();
    await at.live.daemon.restart();
    await at.kheish.sessions.create({ session: "after-the-death" });
    await lines().filter({ hasText: "after-the-death" }).waitFor();
    await expect.poll(() => lines().filter({ hasText: "kheish is ready" }).count()).toBe(2);
  });

  test("is followed, also when a scroll is told while the next lines are being drawn", async () => {
    await at.goto("/logs");
    await lines().getByText("kheish is ready").last().waitFor();
    await at.page.evaluate(
      `(() => {
        const list = document.querySelector("section[aria-label$=' lines']");
        const isDrawn = new MutationObserver(() => list.dispatchEvent(new Event("scroll")));
        isDrawn.observe(list.firstElementChild, { attributes: true });
      })()`,
    );
    const sessions = Array.from({ length: 120 }, (_, n) => `followed-${n}`);
    await Promise.all(sessions.map((session) => at.kheish.sessions.create({ session })));
    await at.kheish.sessions.create({ session: "the-last-one" });
    await lines().filter({ hasText: "the-last-one" }).waitFor();
  });

  test("five thousand lines are no more in the page than are seen", async () => {
    await at.live.daemon.kill();
    const line = { level: 30, time: 1_795_799_744_109, target: "kheish", msg: "a line" };
    const written = Array.from({ length: 6_000 }, (_, n) => `${n + 1} ${JSON.stringify({ ...line, n })}\n`);
    await writeFile(join(at.live.directory, "state", "logs", "daemon.log"), written.join(""));
    await at.live.daemon.restart();
    await at.goto("/logs");
    await at.page.getByRole("region", { name: "5000 lines" }).waitFor();
    await lines().filter({ hasText: "kheish is ready" }).waitFor();
    await at.kheish.sessions.create({ session: "one-more" });
    await lines().filter({ hasText: "one-more" }).waitFor();
    expect(await at.page.getByRole("region", { name: "5000 lines" }).count()).toBe(1);
    expect(await lines().count()).toBeLessThan(100);
  });
});
