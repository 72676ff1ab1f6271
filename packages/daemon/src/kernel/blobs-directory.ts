import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BlobRef, Blobs } from "./blobs.ts";
import { makeDirectory, syncDirectory } from "./durable-files.ts";
import { asFileError, errnoOf, isDiskFull } from "./errno.ts";
import type { Random } from "./random.ts";

type Content = Uint8Array | AsyncIterable<Uint8Array>;

const ADDRESS = /^[0-9a-f]{64}$/;
const SHELF = /^[0-9a-f]{2}$/;
const INCOMING = "incoming";

/**
 * Blobs as files, `<root>/<first two digits>/<sha256>`, for one process at a time.
 * A blob is written under a name of its own first: what has an address is whole, and on the disk.
 */
export async function openBlobsDirectory(root: string, random: Random): Promise<Blobs> {
  const incoming = join(root, INCOMING);
  await makeDirectory(incoming);
  for (const leftover of await readdir(incoming)) await rm(join(incoming, leftover));
  return new DirectoryBlobs(root, random);
}

/** Every blob of a directory, in the order of addresses; none when there is no such directory. */
export async function* listBlobs(root: string): AsyncGenerator<BlobRef> {
  for (const shelf of await namesIn(root)) {
    if (!SHELF.test(shelf)) continue;
    for (const sha256 of await namesIn(join(root, shelf))) {
      if (ADDRESS.test(sha256)) yield { sha256, sizeBytes: (await stat(join(root, shelf, sha256))).size };
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

class DirectoryBlobs implements Blobs {
  readonly #root: string;
  readonly #random: Random;

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  async put(content: Content): Promise<BlobRef> {
    const temporary = join(this.#root, INCOMING, this.#random.hex(16));
    try {
      const blob = await receive(content, temporary);
      await this.#settle(blob.sha256, temporary);
      return blob;
    } catch (error) {
      // Other failures may be those of the content's source, which stay what they are.
      throw isDiskFull(error) ? asFileError(error, this.#root) : error;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async read(
    sha256: string,
    range: { start?: number; end?: number } = {},
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const blob = await this.stat(sha256);
    if (blob === undefined) return undefined;
    return bytes(this.#pathOf(sha256), range.start ?? 0, Math.min(range.end ?? Infinity, blob.sizeBytes));
  }

  /** Whatever is no address names no blob, and is never made a path. */
  async stat(sha256: string): Promise<BlobRef | undefined> {
    if (!ADDRESS.test(sha256)) return undefined;
    try {
      return { sha256, sizeBytes: (await stat(this.#pathOf(sha256))).size };
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  /** All is synced also when the blob was there: whoever is putting it just now may not have come that far. */
  async #settle(sha256: string, temporary: string): Promise<void> {
    const path = this.#pathOf(sha256);
    await makeDirectory(dirname(path));
    if ((await this.stat(sha256)) === undefined) await rename(temporary, path);
    await syncDirectory(dirname(path));
    await syncDirectory(this.#root);
  }

  #pathOf(sha256: string): string {
    return join(this.#root, sha256.slice(0, 2), sha256);
  }
}

async function receive(content: Content, path: string): Promise<BlobRef> {
  const file = await open(path, "wx", 0o600);
  try {
    const blob = await copy(content, file);
    await file.sync();
    return blob;
  } finally {
    await file.close();
  }
}

async function copy(content: Content, file: FileHandle): Promise<BlobRef> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    hash.update(chunk);
    await file.writeFile(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sha256: hash.digest("hex"), sizeBytes };
}

/** The file is opened when the first byte is asked for, so an answer that nobody reads holds nothing. */
async function* bytes(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (start >= end) return;
  const file: AsyncIterable<Uint8Array> = createReadStream(path, { start, end: end - 1 });
  yield* file;
}
