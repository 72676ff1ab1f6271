import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { buildConsole, Operator } from "./support/operator.ts";

const TOKEN = "an-operators-token";

let at: Operator;
beforeAll(async () => {
  await buildConsole();
  at = await Operator.arrive({ token: TOKEN });
});
afterAll(() => at.leave());
// The page's policy refused none of them.
afterEach(async () => expect(await at.settle()).toEqual([]));

/** How many pictures of the page can be seen. */
const seen = () =>
  at.page
    .getByRole("article")
    .locator("img")
    .evaluateAll(
      (all) => all.filter((one) => (one as unknown as { naturalWidth: number }).naturalWidth > 0).length,
    );

test("pictures of the documentation are shown to whoever is signed in by a token in memory", async () => {
  await at.open(TOKEN, "/docs/console");
  await at.page.getByRole("heading", { name: "Console", level: 1 }).waitFor();
  await expect.poll(seen).toBe(2);
  expect(await at.barriers()).toEqual([]);
  await at.picture("docs-console");
});

test("pictures of the documentation are shown to whoever is signed in by cookie, and by their words where there is none", async () => {
  await at.goto("/");
  await at.signIn(TOKEN, { stay: true });
  await at.page.route("**/v1/docs/images/console-inbox.png", (route) =>
    route.fulfill({ status: 404, json: { status: 404, domain: "docs", code: "docs_page_not_found" } }),
  );
  await at.goto("/docs/console");
  await expect.poll(seen).toBe(1);
  await at.page.getByRole("article").getByText("The inbox", { exact: true }).waitFor();
});
