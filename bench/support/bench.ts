/** What a benchmark is asked for on the command line. */
export interface BenchOptions {
  /** Fewer rounds and smaller sizes: to see that it works, not what it costs. */
  quick: boolean;
  /** Peers are installed and measured too. */
  peers: boolean;
}

/** An aim of ours, and how far it was met. */
export interface Aim {
  aim: string;
  measured: number;
  reached: boolean;
}

/** One side of a comparison as it is printed. Figures that were not measured are not there. */
export interface Line {
  side: string;
  /** Why a side could not be measured. */
  unavailable?: string;
  aims?: Aim[];
  [figure: string]: unknown;
}

export type Bench = (options: BenchOptions) => AsyncIterable<Line>;

export function atMost(what: string, limit: number, measured: number): Aim {
  return { aim: `${what} <= ${limit}`, measured, reached: measured <= limit };
}

export function atLeast(what: string, limit: number, measured: number): Aim {
  return { aim: `${what} >= ${limit}`, measured, reached: measured >= limit };
}
