import { isTerminal, type RunStatus, type StreamEvent } from "@kheish/contract";
import type { Frame } from "../../support/follow.ts";

/** Nothing at all moved for so long: it will not move any more. */
const STALLED_AFTER_MS = 120_000;

/** Thrown when there is nothing left to wait for. */
export class Stalled extends Error {
  constructor(what: string) {
    super(`nothing has moved for ${STALLED_AFTER_MS / 1_000} s while waiting for ${what}`);
    this.name = "Stalled";
  }
}

/** What the event stream says about how far the load is, and whoever waits for it. */
export class Progress {
  readonly #status = new Map<string, RunStatus>();
  readonly #accepted = new Set<string>();
  readonly #looks = new Set<() => void>();
  #settled = 0;
  /** Calls that have an outcome. */
  finishedCalls = 0;

  /** Accepted runs that have not settled. */
  get open(): number {
    return this.#accepted.size - this.#settled;
  }

  get inFlight(): number {
    return [...this.#status.values()].filter((status) => status === "running").length;
  }

  /** Accepted runs that have not settled, with what they are. */
  get unsettled(): string[] {
    return [...this.#accepted].flatMap((runId) => {
      const status = this.#status.get(runId);
      return status !== undefined && isTerminal(status) ? [] : [`${runId} (${status ?? "never seen"})`];
    });
  }

  accept(runId: string): void {
    if (this.#accepted.has(runId)) return;
    this.#accepted.add(runId);
    const status = this.#status.get(runId);
    if (status !== undefined && isTerminal(status)) this.#settled += 1;
    this.look();
  }

  see(frame: Frame): void {
    const event = frame.data as StreamEvent;
    if (event.type === "run_updated" && frame.id !== undefined)
      this.#move(event.run.run_id, event.run.status);
    if (event.type === "trace" && event.trace.kind === "tool_call_finished") this.finishedCalls += 1;
    this.look();
  }

  /** Resolves when `holds`; rejects when nothing has moved for too long. */
  until(what: string, holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const stalled = () => end(() => reject(new Stalled(what)));
      let limit = setTimeout(stalled, STALLED_AFTER_MS);
      const end = (settle: () => void) => {
        clearTimeout(limit);
        this.#looks.delete(look);
        settle();
      };
      const look = () => {
        if (holds()) return end(resolve);
        clearTimeout(limit);
        limit = setTimeout(stalled, STALLED_AFTER_MS);
      };
      this.#looks.add(look);
      look();
    });
  }

  #move(runId: string, status: RunStatus): void {
    const before = this.#status.get(runId);
    this.#status.set(runId, status);
    const settles = isTerminal(status) && (before === undefined || !isTerminal(before));
    if (settles && this.#accepted.has(runId)) this.#settled += 1;
  }

  look(): void {
    for (const look of [...this.#looks]) look();
  }
}
