import type { SseFrame } from "../../../features/binding.ts";
import type { Clock } from "../../../kernel/clock.ts";
import { encodeFrame, HEARTBEAT } from "./frame.ts";

export interface Pace {
  clock: Clock;
  heartbeatMs: number;
}

/** A stream with nothing to say yet says that it is open: a proxy that buffers shows itself at once. */
const FIRST_SILENCE_MS = 250;

/** A chunk takes further frames until it is this large. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Frames as chunks, what came together in one, with a heartbeat whenever the source has been silent for too long.
 * A fetch outlives the heartbeats sent while it is pending: it is waited for once, not once a heartbeat.
 */
export class PacedFrames {
  readonly #source: AsyncIterator<readonly SseFrame[]>;
  readonly #pace: Pace;
  #fetching = false;
  #silent = true;
  /** What the source answered and nobody has taken yet: gives the frames or throws the source's error. */
  #arrived: (() => readonly SseFrame[] | undefined) | undefined;
  /** Of what was taken, the frames that had no room in a chunk yet. */
  #left: readonly SseFrame[] = [];
  #wake: (() => void) | undefined;

  constructor(frames: AsyncIterable<readonly SseFrame[]>, pace: Pace) {
    this.#source = frames[Symbol.asyncIterator]();
    this.#pace = pace;
  }

  /** The next chunk; undefined when the source has ended. Asked again only after it has answered. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#left.length > 0) return this.#chunk();
    if (this.#arrived === undefined) {
      if (!this.#fetching) void this.#fetch();
      await this.#arrivalOrSilence();
    }
    this.#silent = false;
    if (this.#arrived === undefined) return HEARTBEAT;
    const arrived = this.#arrived;
    this.#arrived = undefined;
    const frames = arrived();
    if (frames === undefined) return undefined;
    this.#left = frames;
    return this.#chunk();
  }

  #chunk(): Uint8Array {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (const frame of this.#left) {
      const part = encodeFrame(frame);
      if (parts.length > 0 && bytes + part.byteLength > CHUNK_BYTES) break;
      parts.push(part);
      bytes += part.byteLength;
    }
    this.#left = this.#left.slice(parts.length);
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts, bytes);
  }

  /** Lets go of the source, whatever it is waiting for. */
  async stop(): Promise<void> {
    this.#wake?.();
    await this.#source.return?.();
  }

  #arrivalOrSilence(): Promise<void> {
    return new Promise((resolve) => {
      const { clock, heartbeatMs } = this.#pace;
      const patience = this.#silent ? Math.min(FIRST_SILENCE_MS, heartbeatMs) : heartbeatMs;
      const silence = clock.schedule(patience, resolve);
      this.#wake = () => {
        silence.cancel();
        resolve();
      };
    });
  }

  async #fetch(): Promise<void> {
    this.#fetching = true;
    try {
      const result = await this.#source.next();
      this.#arrived = () => (result.done ? undefined : result.value);
    } catch (error) {
      this.#arrived = () => {
        throw error;
      };
    }
    this.#fetching = false;
    this.#wake?.();
  }
}
