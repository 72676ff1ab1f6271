import { createHash } from "node:crypto";
import type { BlobRef, Blobs } from "../../../src/kernel/blobs.ts";

/** Blobs that outlive every simulated process. */
export class MemoryBlobs implements Blobs {
  readonly #contents = new Map<string, Uint8Array>();

  async put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobRef> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content instanceof Uint8Array ? [content] : content) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    this.#contents.set(sha256, bytes);
    return { sha256, sizeBytes: bytes.length };
  }

  async read(sha256: string, range: { start?: number; end?: number } = {}) {
    const bytes = this.#contents.get(sha256);
    if (bytes === undefined) return undefined;
    return (async function* () {
      yield bytes.subarray(range.start ?? 0, range.end);
    })();
  }

  async stat(sha256: string): Promise<BlobRef | undefined> {
    const bytes = this.#contents.get(sha256);
    return bytes && { sha256, sizeBytes: bytes.length };
  }
}
