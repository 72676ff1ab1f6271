import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";

export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** At most `limit` bytes from the start, not cutting a UTF-8 character in two. */
export function headOf(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  const head = bytes.subarray(0, limit);
  return head.subarray(0, limit - unfinishedTail(head));
}

/** At most `limit` bytes from the end, not starting inside a UTF-8 character. */
export function tailOf(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  const tail = bytes.subarray(bytes.length - limit);
  return tail.subarray(continuationBytes(tail));
}

/** How many bytes at the start belong to a character that began before (at most 3). */
export function continuationBytes(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && count < bytes.length && isContinuation(bytes.readUInt8(count))) count += 1;
  return count;
}

/** How many bytes at the end begin a character that is not complete there (0 to 3). */
function unfinishedTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes.readUInt8(bytes.length - back);
    if (!isContinuation(byte)) return sequenceLength(byte) > back ? back : 0;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** Text is UTF-8 without NUL: with NUL it is more likely UTF-16 or binary, and no editor would show it. */
export function isText(bytes: Buffer): boolean {
  return !bytes.includes(0) && isUtf8(bytes);
}

/** `isText` over a stream of chunks of any size. */
export class TextCheck {
  #unfinished = Buffer.alloc(0);
  #failed = false;

  push(chunk: Buffer): void {
    if (this.#failed) return;
    const bytes = this.#unfinished.length === 0 ? chunk : Buffer.concat([this.#unfinished, chunk]);
    const complete = bytes.subarray(0, bytes.length - unfinishedTail(bytes));
    this.#unfinished = Buffer.from(bytes.subarray(complete.length));
    this.#failed = !isText(complete);
  }

  finish(): boolean {
    return !this.#failed && this.#unfinished.length === 0;
  }
}
