const MAX_TRACKED_TURNS = 1_000;

/** How often each turn failed in this process (09-S2). Forgets the turn that failed longest ago when full. */
export class FailureCounts {
  readonly #counts = new Map<string, number>();

  /** Whether the turn has to fail once more; `times` 0 means always. */
  isDue(turn: string, times: number): boolean {
    if (times === 0) return true;
    const failed = this.#counts.get(turn) ?? 0;
    this.#counts.delete(turn);
    if (failed >= times) return false;
    this.#counts.set(turn, failed + 1);
    const oldest = this.#counts.keys().next();
    if (this.#counts.size > MAX_TRACKED_TURNS && !oldest.done) this.#counts.delete(oldest.value);
    return true;
  }
}
