import { KheishProtocolError } from "../errors.ts";

/** One frame of a `text/event-stream`, its data not yet parsed. */
export interface RawFrame {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** The daemon's frames are below 1 MiB; far more is none of its, and nobody wants it in memory. */
export const MAX_FRAME_CHARACTERS = 8 * 1024 * 1024;

/** Cuts an event stream into frames, however its bytes are split on their way. */
export class FrameReader {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #id: string | undefined;
  #event: string | undefined;
  #data: string[] = [];
  #size = 0;

  /** Takes the next bytes; answers the frames that they complete. */
  take(chunk: Uint8Array): RawFrame[] {
    const text = this.#rest + this.#decoder.decode(chunk, { stream: true });
    // A lone CR at the end may be half of a CRLF: it stays in the rest.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const frames = lines.flatMap((line) => this.#line(line) ?? []);
    this.#refuseExcess(this.#rest.length);
    return frames;
  }

  #line(line: string): RawFrame | undefined {
    if (line === "") return this.#complete();
    this.#size += line.length;
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
    if (this.#size + pending > MAX_FRAME_CHARACTERS)
      throw new KheishProtocolError(`an event of more than ${MAX_FRAME_CHARACTERS} characters`);
  }
}
