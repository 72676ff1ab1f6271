import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Kheish } from "@kheish/sdk";
import axe, { type RunOptions } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../../../sdk/test/support/browser.ts";
import { type LiveDaemon, liveDaemon } from "../../../sdk/test/support/daemon.ts";

export { buildConsole } from "./build.ts";

const DESK = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** Somebody at a browser, and the daemon that served the page. */
export class Operator {
  readonly live: LiveDaemon;
  readonly kheish: Kheish;
  readonly page: Page;
  /** What the page complained of: errors of its scripts, and what its own policy refused. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  private constructor(live: LiveDaemon, browser: Browser, page: Page, token: string | undefined) {
    this.live = live;
    this.kheish = new Kheish({ baseUrl: live.daemon.baseUrl, token });
    this.page = page;
    this.#browser = browser;
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) this.complaints.push(message.text());
    });
  }

  static async arrive({ token, flags = [] }: { token?: string; flags?: string[] } = {}): Promise<Operator> {
    const auth = token === undefined ? [] : ["--http-admin-token", token];
    const live = await liveDaemon(...auth, ...flags);
    const browser = await launchBrowser();
    const page = await browser.newPage({ viewport: DESK });
    page.setDefaultTimeout(60_000);
    return new Operator(live, browser, page, token);
  }

  async leave(): Promise<void> {
    await this.#browser.close();
    await this.live.stop();
  }

  /**
   * After each test: nothing of it is left to the next one, also where it failed. Its page would go on asking the daemon, what
   * stood in the way of its requests would stand in the way of others, and what it left waiting would stand in every inbox.
   * Returns what the page complained of.
   */
  async settle(): Promise<string[]> {
    await this.page.unrouteAll({ behavior: "ignoreErrors" });
    await this.page.goto("about:blank");
    const status = ["waiting_for_approval", "waiting_for_user_question"] as const;
    for (const { run_id } of await this.kheish.runs.list({ status }).toArray())
      await this.kheish.api.cancelRun({ params: { run_id } });
    return this.complaints.splice(0);
  }

  async goto(path: string): Promise<void> {
    await this.page.goto(this.live.daemon.baseUrl + path);
  }

  /** Signs in on whatever page is open. `stay`: for the next pages too. */
  async signIn(token: string, { stay = false } = {}): Promise<void> {
    await this.page.getByLabel("Token", { exact: true }).fill(token);
    if (stay) await this.page.getByLabel("Keep me signed in").check();
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("navigation", { name: "Pages" }).waitFor();
  }

  /** Loads a page anew and signs in on it. */
  async open(token: string, path: string): Promise<void> {
    await this.goto(path);
    await this.page.getByLabel("Token", { exact: true }).fill(token);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** Goes elsewhere without loading the page anew. */
  async visit(name: string): Promise<void> {
    await this.page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name }).click();
  }

  /** Opens whatever is folded up, so that all of a page is looked at. */
  async openAll(): Promise<void> {
    await this.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
  }

  /** What keeps somebody with a screen reader, a keyboard, weak eyes or a phone from using the page as it is now. */
  async barriers(): Promise<string[]> {
    const light = await this.#axeViolations();
    await this.page.emulateMedia({ colorScheme: "dark" });
    // Nothing but colours is other in the dark.
    const dark = await this.#axeViolations({ runOnly: ["color-contrast"] });
    await this.page.emulateMedia({ colorScheme: "light" });
    return [...light, ...dark, ...(await this.#overflow())];
  }

  /** A phone shows all of a page without scrolling sideways. */
  async #overflow(): Promise<string[]> {
    await this.page.setViewportSize(PHONE);
    const width = await this.page.evaluate("document.documentElement.scrollWidth");
    const isCut =
      "[...document.querySelectorAll('dialog[open]')].some((one) => one.scrollWidth > one.clientWidth)";
    const cut = (await this.page.evaluate(isCut)) ? ["a dialog that is wider than a phone"] : [];
    await this.page.setViewportSize(DESK);
    return width === PHONE.width ? cut : [`${width} pixels wide on a phone`, ...cut];
  }

  async #axeViolations(options: RunOptions = {}): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(
      (given) => (globalThis as unknown as { axe: typeof axe }).axe.run(given),
      options,
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }

  /** Pictures for people, where somebody wants them: light, dark and on a phone. */
  async picture(name: string): Promise<void> {
    const directory = process.env.KHEISH_TEST_SCREENSHOTS;
    if (directory === undefined) return;
    await mkdir(directory, { recursive: true });
    const shot = (kind: string) => this.page.screenshot({ path: join(directory, `${name}-${kind}.png`) });
    await shot("light");
    await this.page.emulateMedia({ colorScheme: "dark" });
    await shot("dark");
    await this.page.emulateMedia({ colorScheme: "light" });
    await this.page.setViewportSize(PHONE);
    await shot("phone");
    await this.page.setViewportSize(DESK);
  }
}
