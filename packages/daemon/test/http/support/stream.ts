import { isTerminal, type RunStatus, type RunView, StreamEvent } from "@kheish/contract";
import { requireShape } from "./client.ts";

export interface Frame {
  id?: string;
  event: string;
  data: StreamEvent;
}

const DEADLINE_MS = 60_000;

/** An open event stream. A test reads it frame by frame, or until something happens; what never does is an error. */
export class EventStream {
  /** All that were read, without heartbeats. */
  readonly frames: Frame[] = [];
  readonly #controller: AbortController;
  readonly #blocks: AsyncIterator<string>;

  private constructor(controller: AbortController, body: ReadableStream<Uint8Array>) {
    this.#controller = controller;
    // Locked from now on: a body that nobody has begun to read is cancelled when its response is collected.
    this.#blocks = blocksOf(body.getReader());
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const controller = new AbortController();
    const response = await fetch(url, { headers, signal: controller.signal });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`the stream answered ${response.status}: ${await response.text()}`);
    }
    return new EventStream(controller, response.body);
  }

  /** The next frame; undefined when the daemon ended the stream. A heartbeat only says that it is still there. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.#read();
      if (frame?.event === "heartbeat") continue;
      if (frame !== undefined) this.frames.push(frame);
      return frame;
    }
  }

  /** Reads a heartbeat, and nothing else. */
  async heartbeat(): Promise<void> {
    const frame = await this.#read();
    if (frame?.event !== "heartbeat" || frame.id !== undefined) {
      throw new Error(`not a heartbeat: ${JSON.stringify(frame)}`);
    }
  }

  /** Reads up to the first frame that matches. */
  async until(matches: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) throw new Error(`the stream ended before what was awaited: ${this.#seen()}`);
      if (matches(frame)) return frame;
    }
  }

  /** Reads up to the end that the daemon sets. */
  async rest(): Promise<Frame[]> {
    while ((await this.next()) !== undefined);
    return this.frames;
  }

  close(): void {
    this.#controller.abort();
  }

  async #read(): Promise<Frame | undefined> {
    const { value, done } = await this.#inTime(this.#blocks.next());
    return done === true ? undefined : parseFrame(value);
  }

  #seen(): string {
    return this.frames.map((frame) => JSON.stringify(frame.data).slice(0, 200)).join("\n");
  }

  async #inTime<T>(promise: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#controller.abort(new Error(`nothing came for ${DEADLINE_MS} ms; before that: ${this.#seen()}`));
    }, DEADLINE_MS);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The run a frame shows, if it shows one. */
export function runIn(frame: Frame): RunView | undefined {
  return frame.data.type === "run_updated" ? frame.data.run : undefined;
}

/** Whether a frame shows a run, and in one of these states. */
export function shows(runId: string, ...statuses: RunStatus[]): (frame: Frame) => boolean {
  return (frame) => {
    const run = runIn(frame);
    return run?.run_id === runId && (statuses.length === 0 || statuses.includes(run.status));
  };
}

/** Whether a frame shows the end of this run. */
export function showsEndOf(runId: string): (frame: Frame) => boolean {
  return (frame) => {
    const run = runIn(frame);
    return run?.run_id === runId && isTerminal(run.status);
  };
}

/** Whether a frame traces this kind of journal event. */
export function traces(kind: string): (frame: Frame) => boolean {
  return ({ data }) => data.type === "trace" && data.trace.kind === kind;
}

/** The ids of the frames that have one. */
export function idsOf(frames: readonly Frame[]): bigint[] {
  return frames.flatMap(({ id }) => (id === undefined ? [] : [BigInt(id)]));
}

/** Strictly: an id that comes twice is as wrong as one that comes late. */
export function isAscending(ids: readonly bigint[]): boolean {
  return ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? id));
}

/** The session a frame is about. */
export function sessionIn({ data }: Frame): string | undefined {
  switch (data.type) {
    case "trace":
      return data.trace.session_id;
    case "run_updated":
      return data.run.session_id;
    case "output":
      return data.output.session_id;
    default:
      return "session_id" in data ? data.session_id : undefined;
  }
}

async function* blocksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    yield* blocks;
  }
  if (text !== "") throw new Error(`the stream ended within a frame: ${text}`);
}

function parseFrame(block: string): Frame {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
  const data = JSON.parse(fields.get("data") ?? "") as StreamEvent;
  const [id, event] = [fields.get("id"), fields.get("event")];
  requireShape(StreamEvent, data, `frame ${block}`);
  if (event !== data.type) throw new Error(`the frame's event is not its type: ${block}`);
  if (id !== undefined && !/^\d+$/.test(id)) throw new Error(`the frame's id is not decimal: ${block}`);
  return { ...(id === undefined ? {} : { id }), event, data };
}
