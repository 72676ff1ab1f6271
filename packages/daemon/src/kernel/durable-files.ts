import { mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
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
  const topmost = await mkdir(wanted, { recursive: true, mode: OWNER_ONLY });
  if (topmost === undefined) return;
  for (let created = wanted; created.length >= topmost.length; created = dirname(created))
    await syncDirectory(dirname(created));
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
