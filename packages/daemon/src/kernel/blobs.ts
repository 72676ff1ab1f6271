/** A stored blob: its address is the SHA-256 of its bytes, lower-case hex. */
export interface BlobRef {
  sha256: string;
  sizeBytes: number;
}

/** Content-addressed bytes. A blob is durable before its reference may be committed. */
export interface Blobs {
  put(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobRef>;
  /** A stream of the bytes from `start` to `end` (exclusive); undefined when there is no such blob. */
  read(
    sha256: string,
    range?: { start?: number; end?: number },
  ): Promise<AsyncIterable<Uint8Array> | undefined>;
  stat(sha256: string): Promise<BlobRef | undefined>;
}
