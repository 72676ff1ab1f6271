import type { Progress } from "./load/progress.ts";

/** Says when to strike: at a share of the work, so that whatever strikes meets work, however fast the machine is. */
export class Schedule {
  readonly #progress: Progress;
  readonly #calls: number;
  #isOver = false;

  constructor(progress: Progress, calls: number) {
    this.#progress = progress;
    this.#calls = calls;
  }

  /** Resolves when so much of the work is done, or when the load is over. */
  at(share: number): Promise<void> {
    const wanted = share * this.#calls;
    return this.#progress.until(
      `${Math.round(share * 100)}% of the calls`,
      () => this.#isOver || this.#progress.finishedCalls >= wanted,
    );
  }

  /** Resolves when one more call is done, or when the load is over. */
  moves(): Promise<void> {
    const { finishedCalls } = this.#progress;
    return this.#progress.until(
      "another call",
      () => this.#isOver || this.#progress.finishedCalls > finishedCalls,
    );
  }

  end(): void {
    this.#isOver = true;
    this.#progress.look();
  }
}
