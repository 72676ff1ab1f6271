/** A durable runtime that plays runs of ten steps, each on disk before the next begins. */
export interface StepsSide {
  name: string;
  versions: Record<string, string>;
  /** Whatever must be there before the clock starts. */
  prepare(runs: number): Promise<void>;
  /** One run, submitted and awaited. */
  runSteps(): Promise<void>;
  remove(): Promise<void>;
}
