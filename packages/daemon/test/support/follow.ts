/** One SSE frame as it came over the wire. */
export interface Frame {
  id?: string;
  event: string;
  data: unknown;
}

export interface Following {
  readonly frames: Frame[];
  /** The last frame, when the daemon closes the stream on its own. */
  readonly last: Promise<Frame | undefined>;
  /** Resolves with all ids so far once an id at or above this one has come. */
  reached(id: bigint): Promise<bigint[]>;
}

/**
 * A consumer that knows nothing but the SSE protocol: it reads, and when the connection breaks it comes back with
 * the last id it saw. Written apart from the product's own client, so that both must agree with the daemon.
 */
export function follow(
  url: string,
  signal?: AbortSignal,
  until?: bigint,
  onFrame: (frame: Frame) => void = () => undefined,
): Following {
  const frames: Frame[] = [];
  let lastId: string | undefined;
  let wake: () => void = () => undefined;
  const seen = () => frames.flatMap((frame) => (frame.id === undefined ? [] : [BigInt(frame.id)]));
  const isOver = () => signal?.aborted === true || (until !== undefined && BigInt(lastId ?? "0") >= until);

  const run = async (): Promise<Frame | undefined> => {
    while (!isOver()) {
      try {
        const headers: Record<string, string> = lastId === undefined ? {} : { "last-event-id": lastId };
        const answer = await fetch(url, { headers, ...(signal === undefined ? {} : { signal }) });
        if (!answer.ok) throw new Error(`the stream was refused: ${answer.status}`);
        for await (const frame of framesOf(answer)) {
          frames.push(frame);
          lastId = frame.id ?? lastId;
          wake();
          onFrame(frame);
          if (isOver()) return frames.at(-1);
        }
        if (url.includes("until=terminal")) return frames.at(-1);
      } catch {
        // Killed in between, or not there yet: the next connection takes over.
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return frames.at(-1);
  };
  const last = run();
  return {
    frames,
    last,
    async reached(id) {
      while (BigInt(lastId ?? "0") < id) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return seen();
    },
  };
}

/**
 * The id of an event that every unfiltered stream shows, made now: what the journal ends with may be the audit's, which
 * no stream shows.
 */
export async function markEnd(baseUrl: string): Promise<bigint> {
  const session_id = "the-end";
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ session_id });
  const made = await fetch(`${baseUrl}/v1/sessions`, { method: "POST", headers, body });
  if (!made.ok) throw new Error(`no session could be made: ${made.status}`);
  const stop = new AbortController();
  const own = follow(`${baseUrl}/v1/sessions/${session_id}/stream?cursor=0`, stop.signal);
  const ids = await own.reached(1n);
  stop.abort();
  return ids[0] ?? 0n;
}

async function* framesOf(answer: Response): AsyncGenerator<Frame> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const frame = parse(text.slice(0, end));
      text = text.slice(end + 2);
      if (frame.event !== "heartbeat") yield frame;
    }
  }
}

function parse(block: string): Frame {
  const field = (name: string) =>
    block
      .split("\n")
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim();
  const id = field("id");
  return {
    ...(id === undefined ? {} : { id }),
    event: field("event") ?? "message",
    data: JSON.parse(field("data") ?? "null"),
  };
}
