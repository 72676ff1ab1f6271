import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "./support/browser.ts";
import { bash, type LiveDaemon, liveDaemon, script } from "./support/daemon.ts";

const CHAT = fileURLToPath(new URL("../examples/chat", import.meta.url));

describe("the chat example in Chromium", () => {
  let live: LiveDaemon;
  let site: ViteDevServer;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    live = await liveDaemon();
    site = await createServer({
      root: CHAT,
      configFile: false,
      logLevel: "error",
      server: { host: "127.0.0.1", port: 0, hmr: false },
    });
    await site.listen();
    const [url] = site.resolvedUrls?.local ?? [];
    browser = await launchBrowser();
    page = await browser.newPage();
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(`${url}?daemon=${live.daemon.baseUrl}`);
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await live?.stop();
  });

  async function ask(prompt: string): Promise<void> {
    await page.getByLabel("Message").fill(prompt);
    await page.getByRole("button", { name: "Send" }).click();
  }
  const lastLine = () => page.locator("#log li").last();

  test("a message is answered", async () => {
    await ask("hello from a page");
    await expect.poll(() => page.locator("li.agent").allTextContents()).toEqual(["hello from a page"]);
  });

  test("an approval survives the daemon's death; the page is not reloaded, and the answer comes", async () => {
    await ask(script(bash("echo allowed > allowed"), { text: "it is done" }));
    await page.getByRole("button", { name: "Allow" }).waitFor();
    await live.daemon.kill();
    await live.daemon.restart();
    await page.getByRole("button", { name: "Allow" }).click();
    await expect.poll(() => lastLine().textContent()).toBe("it is done");
    expect(complaints).toEqual([]);
  });

  test("a daemon that dies while it writes leaves no half answer", async () => {
    await ask(script({ text: "word ".repeat(40).trim(), chunks: 40, chunk_delay_ms: 30 }));
    await expect.poll(() => lastLine().textContent()).toMatch(/^word/);
    await live.daemon.kill();
    await live.daemon.restart();
    await expect.poll(() => lastLine().textContent()).toBe("word ".repeat(40).trim());
    expect(complaints).toEqual([]);
  });
});
