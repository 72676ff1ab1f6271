import { type ClientRequest, get, type IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What all subscribers of a round share. */
export interface Audience {
  baseUrl: string;
  /** Resolves when the daemon can be reached. */
  reachable(): Promise<void>;
  random(): number;
  /** Latencies in ms of events that were committed while their subscriber was connected. */
  live: number[];
  /** And of those that it had to catch up with. */
  caughtUp: number[];
  connections: number;
  /** Connections that the daemon did not admit. */
  refused: number;
  connectedNow: number;
  connectedMost: number;
}

/** Reconnects for no reason, at about every so many frames. */
const FRAMES_BETWEEN_RECONNECTS = 60;
/** After a broken connection a client waits up to this long, so that not all come back at once. */
const JITTER_MS = 1_000;
/** Who was not admitted comes back after this and up to as much again. */
const REFUSED_MS = 5_000;
const HEARTBEAT = "event: heartbeat";

/** A consumer that knows nothing but the SSE protocol: it reads, and comes back with the last id it saw. */
export class Subscriber {
  readonly runId: string;
  /** Ids as they came. */
  readonly ids: number[] = [];
  readonly #audience: Audience;
  #firstConnectedAt = 0;
  #connectedAt = 0;
  #request: ClientRequest | undefined;
  #isDone = false;
  #isGivenUp = false;

  constructor(runId: string, audience: Audience) {
    this.runId = runId;
    this.#audience = audience;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Reads until the run is over. */
  async follow(): Promise<void> {
    for (let first = true; !this.#isDone && !this.#isGivenUp; first = false) {
      await this.#audience.reachable();
      if (!first) await pause(this.#audience.random() * JITTER_MS);
      if (await this.#connection()) continue;
      this.#audience.refused += 1;
      await pause(REFUSED_MS * (1 + this.#audience.random()), undefined, { ref: false });
    }
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#request?.destroy();
  }

  /** Resolves when it has ended, for whatever reason; false when the daemon answered, but not with a stream. */
  #connection(): Promise<boolean> {
    const audience = this.#audience;
    const last = this.ids.at(-1) ?? 0;
    audience.connections += 1;
    return new Promise((resolve) => {
      const url = `${audience.baseUrl}/v1/runs/${this.runId}/stream?until=terminal&cursor=0`;
      const headers = last === 0 ? {} : { "last-event-id": String(last) };
      let admitted = true;
      const request = get(url, { agent: false, headers }, (response) => {
        admitted = response.statusCode === 200;
        if (admitted) this.#read(response, request);
        else response.resume();
      });
      this.#request = request;
      request.on("error", () => undefined);
      request.on("close", () => resolve(admitted));
    });
  }

  #read(response: IncomingMessage, request: ClientRequest): void {
    const audience = this.#audience;
    this.#connectedAt = Date.now();
    this.#firstConnectedAt ||= this.#connectedAt;
    audience.connectedNow += 1;
    audience.connectedMost = Math.max(audience.connectedMost, audience.connectedNow);
    request.on("close", () => {
      audience.connectedNow -= 1;
    });
    let text = "";
    response.setEncoding("utf8");
    response.on("error", () => undefined);
    response.on("data", (chunk: string) => {
      const frames = (text + chunk).split("\n\n");
      text = frames.pop() ?? "";
      for (const frame of frames) {
        if (request.destroyed || frame.startsWith(HEARTBEAT)) continue;
        this.#take(frame);
        if (audience.random() < 1 / FRAMES_BETWEEN_RECONNECTS) request.destroy();
      }
    });
  }

  #take(frame: string): void {
    if (!frame.startsWith("id: ")) return;
    this.ids.push(Number.parseInt(frame.slice(4), 10));
    const committedAt = timeOf(frame);
    // What was there before it came is history, and no latency.
    if (committedAt !== undefined && committedAt >= this.#firstConnectedAt) {
      const { live, caughtUp } = this.#audience;
      (committedAt >= this.#connectedAt ? live : caughtUp).push(Date.now() - committedAt);
    }
    if (frame.includes("event: run_updated") && frame.includes('"status":"completed"')) this.#isDone = true;
  }
}

/** When the event was committed; an output frame does not say. Searched and not parsed: there are many. */
function timeOf(frame: string): number | undefined {
  const name = frame.includes("event: trace") ? '"timestamp_ms":' : '"updated_at_ms":';
  const at = frame.indexOf(name);
  return at === -1 ? undefined : Number.parseInt(frame.slice(at + name.length, at + name.length + 15), 10);
}
