import { Nesting } from "./nesting.ts";

const LF = 0x0a;
const CR = 0x0d;
const DATA = Buffer.from("data:");

/**
 * Looks at a stream of events as it comes, before anybody puts its lines together: how large one event grows, and how deep
 * what its `data` lines hold nests.
 */
export class EventGuard {
  readonly #maxBytes: number;
  readonly #nesting = new Nesting();
  #bytes = 0;
  /** Of the line that is coming in. */
  #length = 0;
  #isData = true;
  #wasReturn = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False once an event is more than anybody needs. */
  take(chunk: Uint8Array): boolean {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      const isRest = byte === LF && this.#wasReturn;
      this.#wasReturn = byte === CR;
      if (byte !== LF && byte !== CR) continue;
      // The second half of CR LF ends no further line.
      if (!isRest) {
        if (!this.#add(chunk.subarray(from, at))) return false;
        this.#endLine();
      }
      from = at + 1;
    }
    return this.#add(chunk.subarray(from));
  }

  #add(part: Uint8Array): boolean {
    this.#bytes += part.length;
    const head = part.subarray(0, Math.max(0, DATA.length - this.#length));
    if (!head.every((byte, at) => byte === DATA[this.#length + at])) this.#isData = false;
    this.#length += part.length;
    return this.#bytes <= this.#maxBytes && (!this.#isData || this.#nesting.take(part.subarray(head.length)));
  }

  #endLine(): void {
    if (this.#length === 0) {
      this.#nesting.reset();
      this.#bytes = 0;
    }
    this.#nesting.endLine();
    this.#length = 0;
    this.#isData = true;
  }
}
