import type { Terminal } from "../context.ts";

const ERASE_LINE = "\r\x1b[2K";
const LINE_UP = "\x1b[1A";

/** A transcript that grows, and below it a few lines that are painted anew each time. */
export class LiveScreen {
  readonly #terminal: Terminal;
  #painted = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Adds lines for good and paints the live part; none of its lines may be wider than the screen. */
  show(lines: readonly string[], live: readonly string[]): void {
    const transcript = lines.map((line) => `${line}\n`).join("");
    this.#terminal.out(this.#erasure() + transcript + live.join("\n"));
    this.#painted = live.length;
  }

  #erasure(): string {
    if (this.#painted === 0) return "";
    return ERASE_LINE + (LINE_UP + ERASE_LINE).repeat(this.#painted - 1);
  }
}
