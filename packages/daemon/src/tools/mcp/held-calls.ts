import type { Clock, Timer } from "../../kernel/clock.ts";
import type { CallEnd } from "./connection-port.ts";
import type { Elicitation, ElicitationReply } from "./elicitation.ts";

/** A server of the older protocol keeps its call open while somebody answers; so long do we. */
const HOLD_MS = 15 * 60_000;
const MAX_HELD = 256;

/** What an open call does next: it ends, or it asks. */
export type Progress = { kind: "ended"; end: CallEnd } | { kind: "asks"; request: Elicitation };

/** A call that a server has open, and the questions that it asks meanwhile. */
export class OpenCall {
  readonly #progress: Progress[] = [];
  #waiting: ((progress: Progress) => void) | undefined;
  #reply: ((reply: ElicitationReply) => void) | undefined;
  readonly #abort: AbortController;

  constructor(end: Promise<CallEnd>, abort: AbortController) {
    this.#abort = abort;
    void end.then((value) => this.#push({ kind: "ended", end: value }));
  }

  /** The server asks; resolves with what it is told. */
  ask(request: Elicitation): Promise<ElicitationReply> {
    this.#reply?.({ action: "cancel" });
    const { promise, resolve } = Promise.withResolvers<ElicitationReply>();
    this.#reply = resolve;
    this.#push({ kind: "asks", request });
    return promise;
  }

  reply(reply: ElicitationReply): void {
    this.#reply?.(reply);
    this.#reply = undefined;
  }

  /** The server is told that nobody waits any more. */
  stop(): void {
    this.#abort.abort();
  }

  /** The next thing that happens; once it has ended, that. */
  next(): Promise<Progress> {
    const [first] = this.#progress;
    if (first !== undefined) {
      if (first.kind !== "ended") this.#progress.shift();
      return Promise.resolve(first);
    }
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #push(progress: Progress): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) {
      this.#progress.push(progress);
      return;
    }
    if (progress.kind === "ended") this.#progress.push(progress);
    waiting(progress);
  }
}

interface Held {
  call: OpenCall;
  request: Elicitation;
  timer: Timer;
}

/**
 * Calls that wait for a person while their server waits for us. They live in this process only: what must outlive it is
 * kept with the question. Who waits longest goes first when there are too many, or after a quarter of an hour.
 */
export class HeldCalls {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(key: string, call: OpenCall, request: Elicitation): void {
    const timer = this.#clock.schedule(HOLD_MS, () => this.#giveUp(key));
    this.#held.set(key, { call, request, timer });
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#giveUp(oldest);
  }

  /** What the call waits for; it goes on being held. */
  peek(key: string): Elicitation | undefined {
    return this.#held.get(key)?.request;
  }

  take(key: string): OpenCall | undefined {
    const held = this.#held.get(key);
    held?.timer.cancel();
    this.#held.delete(key);
    return held?.call;
  }

  #giveUp(key: string): void {
    this.take(key)?.reply({ action: "cancel" });
  }
}
