import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errnoOf } from "./errno.ts";
import type { Random } from "./random.ts";

const OWNER_ONLY = 0o700;

/** Makes the names in a directory survive a power loss. Windows cannot sync one, and journals names by itself. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Creates the directory, and those above it, for its owner alone; whatever was created is durable. */
export async function makeDirectory(path: string): Promise<void> {
  const wanted = resolve(path);
  const topmost = await makeWithParents(wanted);
  if (topmost === undefined) return;
  for (let created = wanted; created.length >= topmost.length; created = dirname(created))
    await syncDirectory(dirname(created));
}

/**
 * The topmost directory that was made, if any. Not by `recursive` of Node, which never ends where the system says of
 * a directory's child that the directory is missing, as `/proc` does.
 */
async function makeWithParents(path: string): Promise<string | undefined> {
  const first = await made(path);
  if (first === true) return path;
  if (first === false) return undefined;
  if (errnoOf(first) !== "ENOENT" || dirname(path) === path) throw first;
  const topmost = await makeWithParents(dirname(path));
  const second = await made(path);
  if (typeof second !== "boolean") throw second;
  return topmost ?? (second ? path : undefined);
}

/** Whether it was made now or stood there before, or why neither is so. */
async function made(path: string): Promise<boolean | Error> {
  try {
    await mkdir(path, { mode: OWNER_ONLY });
    return true;
  } catch (error) {
    const isThere = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isThere) return false;
    if (!(error instanceof Error)) throw error;
    if (errnoOf(error) !== "EEXIST") return error;
    return Object.assign(new Error(`${path} is no directory`), { code: "ENOTDIR", path });
  }
}

/** Writes a file so that a reader finds the whole content under its name or nothing, also after a power loss. */
export async function writeWholeFile(path: string, content: string, random: Random): Promise<void> {
  const temporary = `${path}.${random.hex(8)}.tmp`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}
