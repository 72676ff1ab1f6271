import { PassThrough, Readable, type Writable } from "node:stream";

/**
 * A process that could not start because this one has too many files open has, other than Node's types say, no pipes.
 * What stands in for them has ended, so that its error is what is told.
 */
export function outputOf(pipe: Readable | undefined): Readable {
  return pipe ?? Readable.from([]);
}

/** The same for what it would have read, which goes nowhere. */
export function inputOf(pipe: Writable | undefined): Writable {
  return pipe ?? new PassThrough().resume();
}
