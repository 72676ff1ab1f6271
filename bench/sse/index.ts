import { atLeast, atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { Daemon, UNATTENDED } from "../support/daemon.ts";
import { medianOf } from "../support/measure.ts";
import { ROUNDS } from "../support/rounds.ts";
import { type Plan, playRound, type Round } from "./round.ts";

const PLANS: Plan[] = [
  { runs: 100, subscribers: 1_000, turns: 3, turnMs: 4_000 },
  { runs: 100, subscribers: 10_000, turns: 3, turnMs: 4_000 },
];
/** Whoever reconnects may come before the daemon has noticed that he had left. */
const ROOM = ["--http-max-streams", "15000"];
const QUICK: Plan[] = [{ runs: 10, subscribers: 200, turns: 3, turnMs: 1_000 }];

/**
 * A hundred runs, and ten, then a hundred subscribers to each. All of them reconnect now and then with their last event id, and
 * all of them twice a round, when the daemon is killed. Latency is from the commit of an event to its receipt, on one
 * clock; `live` leaves out what was committed while its subscriber was away. What each was given is compared with
 * the journal.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  for (const plan of quick ? QUICK : PLANS) {
    const daemon = await Daemon.start({ flags: [...UNATTENDED, ...ROOM] });
    const rounds: Round[] = [];
    try {
      for (let index = 0; index < (quick ? 1 : ROUNDS); index++) {
        rounds.push(await playRound(daemon, `sse-${index}`, plan));
      }
    } finally {
      await daemon.remove();
    }
    yield lineOf(plan, rounds);
  }
}

function lineOf(plan: Plan, rounds: readonly Round[]): Line {
  const sum = (figure: (one: Round) => number) => rounds.reduce((total, one) => total + figure(one), 0);
  const connected = medianOf(rounds, (one) => one.connectedMost);
  const liveP99 = medianOf(rounds, (one) => one.liveP99);
  const gaps = sum((one) => one.gaps);
  const duplicates = sum((one) => one.duplicates);
  return {
    side: "kheish",
    runs: plan.runs,
    subscribers: plan.subscribers,
    most_at_once: connected,
    refused_per_round: medianOf(rounds, (one) => one.refused),
    live_p50_ms: medianOf(rounds, (one) => one.liveP50),
    live_p99_ms: liveP99,
    with_catching_up_p99_ms: medianOf(rounds, (one) => one.allP99),
    frames_per_round: medianOf(rounds, (one) => one.delivered),
    connections_per_round: medianOf(rounds, (one) => one.connections),
    gaps,
    duplicates,
    unfinished: sum((one) => one.unfinished),
    rounds: rounds.length,
    aims: [
      // Somebody is always on the way back.
      atLeast("subscribers at once", plan.subscribers * 0.95, connected),
      atMost("p99 ms", 100, liveP99),
      atMost("gaps", 0, gaps),
      atMost("duplicates", 0, duplicates),
    ],
  };
}
