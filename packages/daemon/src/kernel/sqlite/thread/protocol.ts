import type { News, Store } from "../../store.ts";
import { StoreError } from "../../store.ts";
import type { Flush, Sync } from "../../store-channels.ts";

/**
 * What the store's thread and the daemon's say to each other. Each message is one JSON text: a string crosses as it is,
 * while an object would be taken apart and put together again by both.
 */
export type Method = {
  [Name in keyof Store]: Store[Name] extends (...args: never[]) => Promise<unknown> ? Name : never;
}[keyof Store];

/** Calls are begun in the order in which they were made. */
export interface Call {
  id: number;
  method: Method;
  args: unknown[];
}

/** What a store says to a call. */
export function asked(store: Store, method: Method, args: readonly unknown[]): Promise<unknown> {
  const call: (...args: never[]) => Promise<unknown> = store[method];
  return call.apply(store, args as never[]);
}

export interface Failure {
  name: string;
  code?: StoreError["code"];
  message: string;
}

export interface Answer {
  id: number;
  /** Absent where nothing was found, too. */
  result?: unknown;
  failure?: Failure;
}

/** What the thread has to say after one turn of its loop. */
export interface Report {
  answers: Answer[];
  news: News[];
  flushes: Flush[];
  syncs: Sync[];
}

const CONSTRUCTORS = { Error, RangeError, TypeError } as const;

export function failureOf(error: unknown): Failure {
  if (error instanceof StoreError) return { name: error.name, code: error.code, message: error.message };
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
}

/** The error again, as whoever called expects it. */
export function errorOf({ name, code, message }: Failure): Error {
  if (code !== undefined) return new StoreError(code, message);
  const Thrown = CONSTRUCTORS[name as keyof typeof CONSTRUCTORS] ?? Error;
  return new Thrown(message);
}
