/** Somebody whose work can wait for a human, through the death of its process. */
export interface ParkingSide {
  name: string;
  versions: Record<string, string>;
  park(from: number, to: number): Promise<void>;
  count(): Promise<number>;
  kill(): Promise<void>;
  /** Answers the ms until it is ready. */
  start(): Promise<number>;
  /** Answers the ms from the yes to the end of what waited. */
  approve(number: number): Promise<number>;
  rssMb(): number;
  remove(): Promise<void>;
}
