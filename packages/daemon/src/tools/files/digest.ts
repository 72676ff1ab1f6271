import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { ToolFailure } from "../failure.ts";

const CHUNK_BYTES = 256 * 1024;

/** Reads an open file from its start, chunk by chunk in one buffer: a file of any size takes no memory. */
export async function eachChunk(
  handle: FileHandle,
  signal: AbortSignal,
  use: (chunk: Buffer) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
    if (bytesRead === 0) return;
    use(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** SHA-256 of a whole open file. */
export async function digestOf(handle: FileHandle, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await eachChunk(handle, signal, (chunk) => hash.update(chunk));
  return hash.digest("hex");
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
