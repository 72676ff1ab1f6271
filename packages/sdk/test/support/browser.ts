import chromium from "@sparticuz/chromium";
import { type Browser, chromium as engine } from "playwright-core";

/**
 * A real Chromium: the system's where one is named, else the one that npm brought. It runs as people's do, with a process
 * for each page and the web's security, and not as the package's own flags would have it; only the sandbox of its
 * processes is left out, which containers do not let it have.
 */
export async function launchBrowser(): Promise<Browser> {
  const own = process.env.KHEISH_TEST_CHROMIUM;
  const executablePath = own ?? (await chromium.executablePath());
  return engine.launch({ executablePath, args: ["--no-sandbox"], headless: true });
}
