import { continuationBytes, headOf } from "../bytes.ts";

const NEWLINE = 10;

export interface WindowRequest {
  /** First line wanted, from 1. */
  startLine: number;
  /** First byte wanted, from 0, in the place of `startLine`; moved on to where a character begins. */
  startByte: number | undefined;
  lineCount: number;
  /** At most so many bytes are kept. */
  maxBytes: number;
}

export interface LineWindow {
  bytes: Buffer;
  startLine: number;
  /** Lines in `bytes`, one that was cut included. */
  lineCount: number;
  totalLines: number;
  truncated: boolean;
  /** How to go on after a cut: by line, or by byte when the cut is inside a line. */
  next: { line: number } | { byte: number } | undefined;
}

/** Picks a window of lines out of a stream of bytes, keeping no more of it than the window. */
export class WindowReader {
  readonly #request: WindowRequest;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #phase: "before" | "inside" | "after" = "before";
  #offset = 0;
  #newlines = 0;
  #lastByte: number | undefined;
  #startLine: number;
  #startOffset = 0;
  #linesLeft: number;

  constructor(request: WindowRequest) {
    this.#request = request;
    this.#startLine = request.startLine;
    this.#linesLeft = request.lineCount;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.#phase === "before") rest = this.#seek(rest);
    if (this.#phase === "inside") rest = this.#keep(rest);
    this.#pass(rest, Number.POSITIVE_INFINITY);
    this.#lastByte = chunk.at(-1);
  }

  /** All that was wanted has been seen. */
  get isComplete(): boolean {
    return this.#phase === "after";
  }

  finish(): LineWindow {
    const whole = Buffer.concat(this.#kept);
    const skipped = this.#request.startByte === undefined ? 0 : continuationBytes(whole);
    const bytes = whole.subarray(skipped);
    const cut = cutAt(bytes, this.#request.maxBytes);
    const unended = this.#lastByte !== undefined && this.#lastByte !== NEWLINE;
    return {
      bytes: cut,
      startLine: this.#startLine,
      lineCount: linesIn(cut),
      totalLines: this.#newlines + (unended ? 1 : 0),
      truncated: cut.length < bytes.length,
      next: cut.length < bytes.length ? this.#after(cut, this.#startOffset + skipped) : undefined,
    };
  }

  #after(cut: Buffer, startOffset: number): { line: number } | { byte: number } {
    return cut.at(-1) === NEWLINE
      ? { line: this.#startLine + linesIn(cut) }
      : { byte: startOffset + cut.length };
  }

  /** Moves to where the window begins; answers what of `chunk` is left. */
  #seek(chunk: Buffer): Buffer {
    const { startByte, startLine } = this.#request;
    const rest =
      startByte === undefined
        ? this.#pass(chunk, startLine - 1 - this.#newlines)
        : this.#passBytes(chunk, startByte - this.#offset);
    const reached = startByte === undefined ? this.#newlines === startLine - 1 : this.#offset === startByte;
    if (!reached) return rest;
    this.#phase = "inside";
    this.#startLine = this.#newlines + 1;
    this.#startOffset = this.#offset;
    return rest;
  }

  /** Keeps what of `chunk` belongs to the window. Beyond `maxBytes`, 3 bytes may go at the start and 1 shows a cut. */
  #keep(chunk: Buffer): Buffer {
    const before = this.#newlines;
    const rest = this.#pass(chunk, this.#linesLeft);
    this.#linesLeft -= this.#newlines - before;
    const room = this.#request.maxBytes + 4 - this.#keptBytes;
    const piece = Buffer.from(chunk.subarray(0, Math.min(chunk.length - rest.length, room)));
    this.#kept.push(piece);
    this.#keptBytes += piece.length;
    if (this.#linesLeft === 0 || piece.length === room) this.#phase = "after";
    return rest;
  }

  /** Steps over `lines` line ends, or to the end of the chunk. */
  #pass(chunk: Buffer, lines: number): Buffer {
    let passed = 0;
    let at = 0;
    while (passed < lines && at < chunk.length) {
      if (chunk[at] === NEWLINE) passed += 1;
      at += 1;
    }
    this.#newlines += passed;
    this.#offset += at;
    return chunk.subarray(at);
  }

  #passBytes(chunk: Buffer, bytes: number): Buffer {
    this.#pass(chunk.subarray(0, bytes), Number.POSITIVE_INFINITY);
    return chunk.subarray(bytes);
  }
}

/** Cuts after the last whole line that fits; a single line that does not fit, between two characters. */
function cutAt(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length <= maxBytes) return bytes;
  const head = headOf(bytes, maxBytes);
  const lastEnd = head.lastIndexOf(NEWLINE);
  return lastEnd < 0 ? head : head.subarray(0, lastEnd + 1);
}

function linesIn(bytes: Buffer): number {
  if (bytes.length === 0) return 0;
  let ends = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) ends += 1;
  return bytes.at(-1) === NEWLINE ? ends : ends + 1;
}
