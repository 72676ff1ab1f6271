import { glob, mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const CONSOLE = fileURLToPath(new URL("../..", import.meta.url));
const BUILT = join(CONSOLE, "dist", "index.html");
const LOCK = join(CONSOLE, "node_modules", ".kheish-console-build");
const SOURCES = ["*.{ts,html,json}", "{src,public}/**/*.*", "../{sdk,contract}/src/**/*.ts"];
const STALE_LOCK_MS = 120_000;
const LOOK_AGAIN_MS = 100;

/**
 * Builds the console to where a daemon of the checkout finds it. Files of tests run at a time: one of them builds, the
 * others wait, and what is built from these sources is left alone, since a daemon may be reading it.
 */
export async function buildConsole(): Promise<void> {
  await mkdir(join(CONSOLE, "node_modules"), { recursive: true });
  while (!(await taken())) await pause(LOOK_AGAIN_MS);
  try {
    if ((await changedAt(BUILT)) < (await newestSource())) await buildAsPublished();
  } finally {
    await rm(LOCK, { recursive: true, force: true });
  }
}

/** The bundler takes from the environment which React it is to be; that of a test says "test". */
async function buildAsPublished(): Promise<void> {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    await build({ root: CONSOLE, logLevel: "error" });
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
}

async function taken(): Promise<boolean> {
  try {
    await mkdir(LOCK);
    return true;
  } catch {
    // Its owner was killed.
    const since = await changedAt(LOCK);
    if (since !== 0 && Date.now() - since > STALE_LOCK_MS) await rm(LOCK, { recursive: true, force: true });
    return false;
  }
}

async function newestSource(): Promise<number> {
  let newest = 0;
  for await (const path of glob(SOURCES, { cwd: CONSOLE }))
    newest = Math.max(newest, await changedAt(join(CONSOLE, path)));
  return newest;
}

/** 0 where there is no such file. */
async function changedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return 0;
  }
}
