import type { Timer } from "../../../src/kernel/clock.ts";
import { hash, type Prng } from "./prng.ts";

/** Whose events these are. What a dead owner had planned does not happen. */
export interface Owner {
  readonly name: string;
  readonly alive: boolean;
  /** Until then nothing of it happens, be it due: a process that the machine does not let run. */
  readonly pausedUntil?: number;
}

interface Planned {
  at: number;
  /** Drawn at random: the order of what is due at one time. */
  order: number;
  number: number;
  owner: Owner;
  label: string;
  run: (() => void) | undefined;
}

const START_MS = 1_700_000_000_000;

/**
 * The one source of time and of order: whatever can happen is an event with a time, and of those that are due at one
 * time a seeded draw says which comes first. Between two events everything that code can do without waiting is done.
 */
export class Scheduler {
  readonly #prng: Prng;
  readonly #heap: Planned[] = [];
  #now = START_MS;
  #number = 0;
  #digest = 0;
  /** Called before each event; a trace writes it down. */
  onEvent: ((owner: Owner, label: string) => void) | undefined;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get now(): number {
    return this.#now;
  }

  /** Milliseconds since the simulation began. */
  get elapsed(): number {
    return this.#now - START_MS;
  }

  /** Events so far. */
  get steps(): number {
    return this.#number;
  }

  /** Of all events so far, in their order: two runs of one seed must agree in it. */
  get digest(): number {
    return this.#digest;
  }

  /** Events planned for somebody who is alive; a leak shows here. */
  pendingOf(owner: Owner): number {
    return this.#heap.filter((event) => event.owner === owner && event.run !== undefined).length;
  }

  schedule(delayMs: number, owner: Owner, label: string, run: () => void): Timer {
    const at = this.#now + Math.max(0, Math.round(delayMs));
    const event: Planned = { at, order: this.#prng.uint32(), number: this.#number++, owner, label, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  /** Resolves after so long, when the owner is still alive then. */
  sleep(delayMs: number, owner: Owner, label: string): Promise<void> {
    return new Promise((resolve) => {
      this.schedule(delayMs, owner, label, resolve);
    });
  }

  /** Lets the next event happen and everything that follows at once; false when nothing is planned. */
  async step(): Promise<boolean> {
    for (let event = this.#pop(); event !== undefined; event = this.#pop()) {
      if (event.run === undefined || !event.owner.alive) continue;
      const { pausedUntil = 0 } = event.owner;
      if (pausedUntil > Math.max(this.#now, event.at)) {
        event.at = pausedUntil;
        this.#push(event);
        continue;
      }
      this.#now = Math.max(this.#now, event.at);
      this.#digest = hash(this.#digest ^ this.#now, event.label);
      this.onEvent?.(event.owner, event.label);
      event.run();
      await new Promise((resolve) => setImmediate(resolve));
      return true;
    }
    return false;
  }

  #push(event: Planned): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Planned;
      if (!isSooner(event, above)) break;
      heap[index] = above;
      heap[parent] = event;
      index = parent;
    }
  }

  #pop(): Planned | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isSooner(heap[child + 1] as Planned, heap[child] as Planned)) child++;
      if (!isSooner(heap[child] as Planned, last)) break;
      heap[index] = heap[child] as Planned;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function isSooner(one: Planned, other: Planned): boolean {
  if (one.at !== other.at) return one.at < other.at;
  return one.order !== other.order ? one.order < other.order : one.number < other.number;
}
