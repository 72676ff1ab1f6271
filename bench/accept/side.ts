/** Somebody who accepts work. */
export interface Side {
  name: string;
  /** Before the clock starts. */
  prepare(total: number): Promise<unknown>;
  submit(index: number): Promise<unknown>;
  /** Resolves when nothing is left to do for what was submitted. */
  settle(): Promise<unknown>;
}
