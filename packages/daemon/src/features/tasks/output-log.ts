import type { TaskOutputs } from "./outputs.ts";

/** 04-R47. */
export const ROTATE_ABOVE_BYTES = 8 * 1024 * 1024;
export const KEPT_BYTES = 6 * 1024 * 1024;

const HEADER = /^\[daemon output rotated: (\d+) times, (\d+) bytes written, the last (\d+) follow\]\n/;
/** More than a header ever has. */
const HEADER_BYTES = 200;

export interface OutputCounts {
  /** Bytes that are kept. */
  size: number;
  /** Bytes that the command wrote. */
  total: number;
  rotations: number;
}

/** What one command writes, both streams in the order of their arrival, bounded by forgetting the oldest. */
export class OutputLog {
  readonly #outputs: TaskOutputs;
  readonly #id: string;
  #counts: OutputCounts = { size: 0, total: 0, rotations: 0 };
  #lastAtMs: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(outputs: TaskOutputs, id: string, nowMs: number) {
    this.#outputs = outputs;
    this.#id = id;
    this.#lastAtMs = nowMs;
  }

  get counts(): OutputCounts {
    return this.#counts;
  }

  get lastAtMs(): number {
    return this.#lastAtMs;
  }

  /** One after the other; who waits for it reads no faster than the disk writes. */
  append(bytes: Uint8Array, nowMs: number): Promise<void> {
    this.#lastAtMs = nowMs;
    const written = this.#writing.then(() => this.#write(bytes));
    // What went wrong is told to whoever wrote.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    await this.#outputs.append(this.#id, bytes);
    const { size, total, rotations } = this.#counts;
    this.#counts = { size: size + bytes.length, total: total + bytes.length, rotations };
    if (this.#counts.size > ROTATE_ABOVE_BYTES) await this.#rotate();
  }

  async #rotate(): Promise<void> {
    const kept = (await this.#outputs.tail(this.#id, KEPT_BYTES)) ?? Buffer.alloc(0);
    const { total, rotations } = this.#counts;
    const header = `[daemon output rotated: ${rotations + 1} times, ${total} bytes written, the last ${kept.length} follow]\n`;
    const bytes = Buffer.concat([Buffer.from(header), kept]);
    await this.#outputs.replace(this.#id, bytes);
    this.#counts = { size: bytes.length, total, rotations: rotations + 1 };
  }
}

/** The counts of a log that another process wrote: they survive in its first line. */
export function countsOf(bytes: Buffer): OutputCounts {
  const [header = "", rotations, written, kept] =
    HEADER.exec(bytes.subarray(0, HEADER_BYTES).toString("latin1")) ?? [];
  if (rotations === undefined) return { size: bytes.length, total: bytes.length, rotations: 0 };
  const since = bytes.length - header.length - Number(kept);
  return { size: bytes.length, total: Number(written) + since, rotations: Number(rotations) };
}
