/**
 * How an event stream is cut into its frames. Of the contract, this file alone is run by clients that load no schemas:
 * it imports nothing.
 */

/** One frame of a `text/event-stream`, its data not yet parsed. */
export interface RawFrame {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Takes the bytes of an event stream, however they are split on their way. */
export class FrameReader {
  readonly #limit: number;
  readonly #tooLong: (limit: number) => Error;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #id: string | undefined;
  #event: string | undefined;
  #data: string[] = [];
  #size = 0;

  /** `tooLong`: what is thrown at a frame of more than `limit` characters: nobody wants it in memory. */
  constructor(limit: number, tooLong: (limit: number) => Error) {
    this.#limit = limit;
    this.#tooLong = tooLong;
  }

  /** The frames that these bytes complete. */
  *take(chunk: Uint8Array): Generator<RawFrame, void> {
    const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
    // A lone CR at the end may be half of a CRLF: it stays in the rest.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const frame = this.#line(line);
      if (frame !== undefined) yield frame;
    }
    this.#refuseExcess(this.#rest.length);
  }

  #line(line: string): RawFrame | undefined {
    if (line === "") return this.#complete();
    this.#size += line.length + 1;
    this.#refuseExcess(0);
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.#id = value;
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }

  #complete(): RawFrame | undefined {
    const frame = { id: this.#id || undefined, event: this.#event ?? "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#id = undefined;
    this.#event = undefined;
    this.#data = [];
    this.#size = 0;
    return isEmpty ? undefined : frame;
  }

  /** `pending` is of a line whose end has not arrived. */
  #refuseExcess(pending: number): void {
    if (this.#size + pending > this.#limit) throw this.#tooLong(this.#limit);
  }
}
