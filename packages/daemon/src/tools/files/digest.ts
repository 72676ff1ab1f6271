import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { ToolFailure } from "../failure.ts";
import { openEntry, statEntry } from "../workspace/replace.ts";
import type { Entry } from "./entry.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * Reads an open file from its start, chunk by chunk in one buffer: a file of any size takes no memory. Answers how many
 * bytes there were, at most `limit`: one that grows for ever would be read for ever. `use` ends it by answering false.
 */
export async function eachChunk(
  handle: FileHandle,
  signal: AbortSignal,
  use: (chunk: Buffer) => unknown,
  limit: number,
): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const wanted = Math.min(CHUNK_BYTES, limit - position);
    const { bytesRead } = await handle.read(buffer, 0, wanted, position);
    if (bytesRead === 0) return position;
    position += bytesRead;
    if (use(buffer.subarray(0, bytesRead)) === false) return position;
  }
}

/** SHA-256 of a whole open file, as long as it is now. */
export async function digestOf(handle: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const { size } = await handle.stat();
  await eachChunk(handle, signal, (chunk) => hash.update(chunk), size);
  return hash.digest("hex");
}

/** SHA-256 of a file that a call holds, or undefined when nothing is there. */
export async function entryDigest(
  { directory, name, path }: Pick<Entry, "directory" | "name" | "path">,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await statEntry(directory, name)) === undefined) return undefined;
  const handle = await openEntry(directory, name, path);
  try {
    return await digestOf(handle, signal);
  } finally {
    await handle.close();
  }
}

/** Compares the whole current file with what the caller saw (03-R12). */
export function requireDigest(path: string, expected: string, found: string | undefined): void {
  if (found === expected) return;
  throw found === undefined
    ? new ToolFailure(`'${path}' does not exist, so it cannot have the expected SHA-256`)
    : new ToolFailure(
        `'${path}' is not what was expected: its SHA-256 is ${found}; read it again before changing it`,
        { sha256: found },
      );
}
