import {
  type CommitOptions,
  type CommitResult,
  type News,
  type Op,
  type Store,
  StoreError,
} from "../../../src/kernel/store.ts";
import type { Weather } from "../plan/weather.ts";
import type { Prng } from "./prng.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** A commit on its way to the store. */
export interface Arrival {
  process: SimulatedProcess;
  /** Counts the commits of all processes that ever were, from 1. */
  number: number;
  ops: readonly Op[];
  options: CommitOptions | undefined;
}

/** What became of a commit that reached the store. */
export interface Answered extends Arrival {
  result: CommitResult;
}

/** Says where a process dies; asked once for every commit that reaches the store. */
export type DeathAt = (arrival: Arrival) => "before" | "after" | "unheard" | "torn" | "paused" | undefined;

export interface StoreFrontParts {
  scheduler: Scheduler;
  prng: Prng;
  weather: () => Weather;
  inner: Store;
  nextNumber: () => number;
  deathAt: DeathAt;
  kill: (process: SimulatedProcess, why: string) => void;
  pause: (process: SimulatedProcess) => void;
  /** Performs a write during which the power fails. */
  cutDuring: (write: () => Promise<unknown>, seed: number) => Promise<void>;
  onAnswer: (answered: Answered) => void;
  /** The power failed while these were written: whether they landed is known when the store is open again. */
  onDoubt: (answered: Answered) => void;
}

interface Pending extends Arrival {
  resolve: (result: CommitResult) => void;
  reject: (error: unknown) => void;
}

const never = () => new Promise<never>(() => undefined);
/** A process that dies `after` a commit has heard of it and gets a little further. */
const AFTERLIFE_MS = 3;

/**
 * A store as one process reaches it: late, at times not at all, and with the process dying on either side of a commit.
 * Commits that come while one is on its way share its transaction. Every method is covered, those of tomorrow too.
 */
export function storeFront(process: SimulatedProcess, parts: StoreFrontParts): Store {
  const { inner } = parts;
  const commits = new CommitFront(process, parts);
  return new Proxy(inner, {
    get(target, key) {
      const member = Reflect.get(target, key) as unknown;
      if (typeof member !== "function") return member;
      if (key === "commit")
        return (ops: readonly Op[], options?: CommitOptions) => commits.submit(ops, options);
      if (key === "onCommit") return (news: News, wake: () => void) => onCommit(process, parts, news, wake);
      return (...args: unknown[]) =>
        read(process, parts, String(key), () =>
          (member as (...all: unknown[]) => unknown).apply(target, args),
        );
    },
  });
}

class CommitFront {
  readonly #process: SimulatedProcess;
  readonly #parts: StoreFrontParts;
  #waiting: Pending[] = [];

  constructor(process: SimulatedProcess, parts: StoreFrontParts) {
    this.#process = process;
    this.#parts = parts;
  }

  submit(ops: readonly Op[], options?: CommitOptions): Promise<CommitResult> {
    const { scheduler, prng, weather, nextNumber } = this.#parts;
    if (!this.#process.alive) return never();
    return new Promise((resolve, reject) => {
      const number = nextNumber();
      // As JSON is what a store keeps: whoever changes an object afterwards changes nothing.
      const arrival = { process: this.#process, number, ops: structuredClone(ops), options, resolve, reject };
      this.#waiting.push(arrival);
      if (this.#waiting.length === 1) {
        scheduler.schedule(prng.int(0, weather().writeMs), this.#process, "flush", () => this.#flush());
      }
    });
  }

  #flush(): void {
    const { kill, pause, deathAt, cutDuring, onDoubt } = this.#parts;
    const batch = this.#waiting.splice(0);
    const deaths = batch.map((arrival) => ({ arrival, side: deathAt(arrival) }));
    const fatal = deaths.find(({ side }) => side !== undefined);
    const why = `${fatal?.side} commit ${fatal?.arrival.number}`;
    if (fatal?.side === "before") {
      kill(this.#process, why);
      return;
    }
    if (fatal?.side === "torn") {
      const seed = fatal.arrival.number;
      const write = () => Promise.all(batch.map((arrival) => this.#perform(arrival, onDoubt)));
      void cutDuring(write, seed).then(() => kill(this.#process, why));
      return;
    }
    if (fatal?.side === "paused") pause(this.#process);
    for (const arrival of batch) this.#land(arrival, fatal?.side);
    if (fatal?.side === "after") {
      const { scheduler, prng } = this.#parts;
      scheduler.schedule(prng.int(0, AFTERLIFE_MS), this.#process, "death", () => kill(this.#process, why));
    }
  }

  #land(arrival: Pending, side: ReturnType<DeathAt>): void {
    const { scheduler, prng, weather, kill, onAnswer } = this.#parts;
    const { writesFail, writesUnheard, writeMs } = weather();
    const answerAfter = (ms: number, answer: () => void) =>
      scheduler.schedule(ms, this.#process, "answer", answer);
    if (side === undefined && prng.chance(writesFail)) {
      answerAfter(prng.int(0, writeMs), () => arrival.reject(unavailable()));
      return;
    }
    const unheard = side === undefined && prng.chance(writesUnheard);
    void this.#perform(arrival, onAnswer).then(
      (result) => {
        if (side === "unheard") kill(this.#process, `unheard commit ${arrival.number}`);
        else if (unheard) answerAfter(prng.int(0, writeMs), () => arrival.reject(unavailable()));
        else answerAfter(side === "after" ? 0 : prng.int(0, writeMs), () => arrival.resolve(result));
      },
      (error: unknown) => answerAfter(0, () => arrival.reject(error)),
    );
  }

  async #perform(
    { process, number, ops, options }: Pending,
    tell: (answered: Answered) => void,
  ): Promise<CommitResult> {
    const result = await this.#parts.inner.commit(ops, options);
    tell({ process, number, ops, options, result });
    return result;
  }
}

async function read(
  process: SimulatedProcess,
  { scheduler, prng, weather }: StoreFrontParts,
  method: string,
  perform: () => unknown,
): Promise<unknown> {
  if (!process.alive) return never();
  const { readMs, readsFail } = weather();
  if (readMs > 0) await scheduler.sleep(prng.int(0, readMs), process, method);
  if (readsFail > 0 && prng.chance(readsFail)) throw unavailable();
  const answer = await perform();
  // What was read may be old by the time it is heard.
  if (readMs > 0 && prng.chance(0.3)) await scheduler.sleep(prng.int(0, readMs), process, method);
  return answer;
}

function onCommit(
  process: SimulatedProcess,
  { scheduler, prng, weather, inner }: StoreFrontParts,
  news: News,
  wake: () => void,
): () => void {
  const stop = inner.onCommit(news, () => {
    if (!process.alive || prng.chance(weather().wakesLost)) return;
    scheduler.schedule(prng.int(0, 1), process, "wake", wake);
  });
  process.onDeath(stop);
  return stop;
}

function unavailable(): StoreError {
  return new StoreError("unavailable", "the simulated store does not answer");
}
