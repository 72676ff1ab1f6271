import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlobRef, Blobs } from "../../kernel/blobs.ts";
import { headOf, tailOf } from "../bytes.ts";
import { systemReason } from "../failure.ts";

/** What of one stream a result shows, and what is kept of it as a blob. */
export const SHOWN_BYTES = 64 * 1024;
export const KEPT_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

export interface Captured {
  /** Everything, or its head and its tail. */
  text: string;
  /** How much the process wrote. */
  bytes: number;
  truncated: boolean;
  /** The first `KEPT_BYTES` of a truncated stream. */
  blob?: BlobRef;
  /** Why there is no blob of a truncated stream. */
  lost?: string;
}

/** Reads a stream of any length: a bounded part of it in memory, the rest through a scratch file into a blob. */
export async function capture(
  stream: AsyncIterable<Uint8Array>,
  blobs: Blobs,
  scratchDir: string,
): Promise<Captured> {
  const shown = new HeadAndTail();
  const spill = new Spill(scratchDir);
  try {
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      if (shown.overflowsWith(bytes)) await spill.write(shown.overflowed ? [bytes] : [shown.head(), bytes]);
      shown.push(bytes);
    }
    const result = { text: shown.text(), bytes: shown.total, truncated: shown.overflowed };
    return shown.overflowed ? { ...result, ...(await spill.keep(blobs)) } : result;
  } finally {
    await spill.close();
  }
}

/** The first and the last bytes of what was pushed. */
class HeadAndTail {
  total = 0;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #tail = Buffer.alloc(0);

  get overflowed(): boolean {
    return this.total > SHOWN_BYTES;
  }

  overflowsWith(bytes: Buffer): boolean {
    return this.total + bytes.length > SHOWN_BYTES;
  }

  push(bytes: Buffer): void {
    const forHead = bytes.subarray(0, SHOWN_BYTES - this.#headBytes);
    if (forHead.length > 0) this.#head.push(forHead);
    this.#headBytes += forHead.length;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-SHOWN_BYTES)]).subarray(-SHOWN_BYTES);
    this.total += bytes.length;
  }

  head(): Buffer {
    return Buffer.concat(this.#head);
  }

  text(): string {
    if (!this.overflowed) return this.head().toString("utf8");
    const head = headOf(this.head(), SHOWN_BYTES / 2);
    const tail = tailOf(this.#tail, SHOWN_BYTES / 2);
    const between = this.total - head.length - tail.length;
    return `${head.toString("utf8")}\n[... ${between} bytes left out ...]\n${tail.toString("utf8")}`;
  }
}

/**
 * The scratch file, without a name: it is gone when we are, however we go.
 * A full disk or store costs the blob, not the call: the process must still be read to its end, and its exit told.
 */
class Spill {
  readonly #scratchDir: string;
  #file: FileHandle | undefined;
  #written = 0;
  #lost: string | undefined;

  constructor(scratchDir: string) {
    this.#scratchDir = scratchDir;
  }

  async write(pieces: Buffer[]): Promise<void> {
    if (this.#lost !== undefined) return;
    try {
      this.#file ??= await openNameless(this.#scratchDir);
      for (const piece of pieces) {
        const fitting = piece.subarray(0, KEPT_BYTES - this.#written);
        await this.#file.writeFile(fitting);
        this.#written += fitting.length;
      }
    } catch (error) {
      this.#lost = lossOf(error);
    }
  }

  async keep(blobs: Blobs): Promise<{ blob: BlobRef } | { lost: string }> {
    if (this.#file === undefined || this.#lost !== undefined)
      return { lost: this.#lost ?? lossOf(undefined) };
    try {
      return { blob: await blobs.put(contentOf(this.#file)) };
    } catch (error) {
      return { lost: lossOf(error) };
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

function lossOf(error: unknown): string {
  return `the full output could not be kept: ${systemReason(error) ?? "storing it failed"}`;
}

async function openNameless(scratchDir: string): Promise<FileHandle> {
  const directory = await mkdtemp(join(scratchDir, "kheish-output-"));
  try {
    return await open(join(directory, "output"), "wx+", 0o600);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function* contentOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}
