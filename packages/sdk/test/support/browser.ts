import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const BROUGHT = import.meta.resolve("@sparticuz/chromium");

/**
 * A real Chromium: the system's where one is named, else the one that npm brought. It runs as people's do, with a process
 * for each page and the web's security, and not as the package's own flags would have it; only the sandbox of its
 * processes is left out, which containers do not let it have.
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.KHEISH_TEST_CHROMIUM ?? (await unpacked());
  return chromium.launch({ executablePath, args: ["--no-sandbox"], headless: true });
}

/**
 * The browser that npm brought, unpacked once on a machine. By itself the package takes what lies at its place for a whole
 * browser, also while another file of tests is still writing it: here it comes to its place when it is whole.
 */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL("../package.json", BROUGHT), "utf8"));
  const place = join(tmpdir(), `kheish-tests-chromium-${version}`);
  if (!existsSync(place)) {
    const TMPDIR = await mkdtemp(`${place}-`);
    const unpack = `await (await import(${JSON.stringify(BROUGHT)})).default.executablePath()`;
    await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", unpack], {
      env: { ...process.env, TMPDIR },
    });
    // Whoever was faster has put the same there.
    await rename(TMPDIR, place).catch(() => rm(TMPDIR, { recursive: true }));
  }
  return join(place, "chromium");
}
