import type { LogEntry } from "@kheish/contract";
import { entryOf, type LogFilter, passes } from "./entry.ts";
import type { KeptLines } from "./file.ts";

/** 02, Limits: what is kept, and what is shown to whoever names no number. */
export const LOG_CAPACITY = 5_000;
export const LOG_DEFAULT = 1_000;

/** A line with its place in the log. Places count up over restarts. */
export interface PlacedEntry {
  place: number;
  entry: LogEntry;
}

/** The newest lines of the log; the oldest go first (08-R10). They are read only when asked for. */
export class LogRing {
  #lines: string[] = [];
  /** Of the line written last. */
  #last = 0;
  /** Behind the last line that nobody has any more. */
  #begin = 1;
  #keep: ((place: number, line: string) => void) | undefined;
  readonly #waiting = new Set<() => void>();

  /** A line as pino writes it: what the log's level lets through and no secret is in any more. */
  add(line: string): void {
    this.#last += 1;
    this.#lines[this.#last % LOG_CAPACITY] = line;
    this.#keep?.(this.#last, line);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /**
   * Puts what an earlier daemon wrote before what this one has, and hands all that is new to `keep`. For once, before
   * anybody reads.
   */
  goOn({ last, lines }: KeptLines, keep: (place: number, line: string) => void): void {
    const own = this.#since(0).map(({ line }) => line);
    this.#lines = [];
    this.#last = last - lines.length;
    this.#begin = this.#last + 1;
    for (const line of lines) this.add(line);
    this.#keep = keep;
    for (const line of own) this.add(line);
  }

  /** Up to `limit` of the newest that pass, oldest first. */
  newest(limit: number, filter: LogFilter = {}): LogEntry[] {
    const entries = this.#since(0).map(({ line }) => entryOf(line));
    return entries.filter((entry) => passes(entry, filter)).slice(-limit);
  }

  get last(): number {
    return this.#last;
  }

  /** The place of the oldest line that is kept. */
  get first(): number {
    return Math.max(this.#begin, this.#last - LOG_CAPACITY + 1);
  }

  /** All behind a place that are kept, at most `limit`. */
  after(place: number, limit: number): PlacedEntry[] {
    return this.#since(place)
      .slice(0, limit)
      .map(({ place: at, line }) => ({ place: at, entry: entryOf(line) }));
  }

  /** Resolves when a line behind this place is there, or the signal aborts. */
  async news(place: number, signal: AbortSignal): Promise<void> {
    if (this.#last > place || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const leave = () => resolve();
    signal.addEventListener("abort", leave, { once: true });
    await promise;
    signal.removeEventListener("abort", leave);
    this.#waiting.delete(resolve);
  }

  #since(place: number): { place: number; line: string }[] {
    const from = Math.max(place + 1, this.first);
    const found: { place: number; line: string }[] = [];
    for (let at = from; at <= this.#last; at++) {
      const line = this.#lines[at % LOG_CAPACITY];
      if (line !== undefined) found.push({ place: at, line });
    }
    return found;
  }
}
