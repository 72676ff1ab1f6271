import chromium from "@sparticuz/chromium";
import { type Browser, chromium as engine } from "playwright-core";

/** A real Chromium: the system's where one is named, else the one that npm brought. */
export async function launchBrowser(): Promise<Browser> {
  const own = process.env.KHEISH_TEST_CHROMIUM;
  const executablePath = own ?? (await chromium.executablePath());
  return engine.launch({ executablePath, args: chromium.args, headless: true });
}
