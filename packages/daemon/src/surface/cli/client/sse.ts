import { UndecodableAnswer } from "./errors.ts";

/** One frame of a `text/event-stream`, its data not yet parsed. */
export interface RawFrame {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

export const MAX_FRAME_BYTES = 1_048_576;

/**
 * Cuts an event stream into frames, however the bytes are split on their way.
 * A frame beyond the limit ends the stream: nobody wants it in memory.
 */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawFrame, void> {
  const decoder = new TextDecoder();
  const frame = new FrameBuilder();
  let rest = "";
  for await (const chunk of chunks) {
    // A lone CR at the end may be half of a CRLF: it stays in the rest.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const complete = frame.take(line);
      if (complete !== undefined) yield complete;
    }
    frame.refuseOversize(rest);
  }
}

/** Collects the lines of one frame. */
class FrameBuilder {
  #id: string | undefined;
  #event = "message";
  #data: string[] = [];
  #size = 0;

  /** Takes one line; answers the frame that an empty line completes. */
  take(line: string): RawFrame | undefined {
    if (line === "") return this.#complete();
    this.#size += Buffer.byteLength(line) + 1;
    this.refuseOversize();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.#id = value;
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }

  /** `pending` is the start of a line whose end has not arrived. */
  refuseOversize(pending = ""): void {
    if (this.#size + Buffer.byteLength(pending) <= MAX_FRAME_BYTES) return;
    throw new UndecodableAnswer(`the daemon sent an event of more than ${MAX_FRAME_BYTES} bytes`);
  }

  #complete(): RawFrame | undefined {
    const frame = { event: this.#event, data: this.#data.join("\n"), ...(this.#id && { id: this.#id }) };
    const empty = this.#data.length === 0;
    this.#id = undefined;
    this.#event = "message";
    this.#data = [];
    this.#size = 0;
    return empty ? undefined : frame;
  }
}
