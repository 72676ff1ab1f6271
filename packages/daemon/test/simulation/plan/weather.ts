import type { Prng } from "../world/prng.ts";

/**
 * What a simulated world does to a daemon besides killing it. Times are the most that something takes, in ms of
 * simulated time; shares are probabilities. All zero is a world in which nothing ever goes wrong.
 */
export interface Weather {
  writeMs: number;
  /** 0: a read is answered at once, as the embedded store does it. */
  readMs: number;
  networkMs: number;
  toolMs: number;
  /** A commit is refused by a store that does not answer; nothing was written. */
  writesFail: number;
  /** A commit lands and its caller is told that the store does not answer. */
  writesUnheard: number;
  readsFail: number;
  /** A request never reaches the daemon. */
  requestsLost: number;
  /** A request is carried out and its answer never arrives. */
  answersLost: number;
  /** A notification about new events or items is not delivered. */
  wakesLost: number;
  /** How far the clocks of two daemons may be apart. */
  skewMs: number;
}

export const CALM: Weather = {
  writeMs: 1,
  readMs: 0,
  networkMs: 1,
  toolMs: 10,
  writesFail: 0,
  writesUnheard: 0,
  readsFail: 0,
  requestsLost: 0,
  answersLost: 0,
  wakesLost: 0,
  skewMs: 0,
};

/** Some kinds of weather at odd rates, the others not at all: a fault alone reaches places that all together hide. */
export function forecast(prng: Prng): Weather {
  const share = (probability: number, most: number) =>
    prng.chance(probability) ? most * prng.unit() ** 2 : 0;
  return {
    writeMs: prng.pick([1, 1, 3, 20]),
    readMs: prng.pick([0, 0, 1, 4]),
    networkMs: prng.pick([1, 5, 50]),
    toolMs: prng.pick([5, 40, 400, 3_000]),
    writesFail: share(0.15, 0.1),
    writesUnheard: share(0.15, 0.1),
    readsFail: prng.chance(0.25) ? prng.pick([0.01, 0.05, 0.15]) : 0,
    requestsLost: share(0.2, 0.3),
    answersLost: share(0.25, 0.3),
    wakesLost: share(0.2, 1),
    skewMs: prng.chance(0.2) ? prng.pick([50, 2_000, 60_000]) : 0,
  };
}
