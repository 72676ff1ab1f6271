import { setTimeout as pause } from "node:timers/promises";
import type { Daemon } from "../support/daemon.ts";
import { postJson } from "../support/http.ts";
import { percentile } from "../support/measure.ts";
import { Journal } from "./journal.ts";
import { type Audience, Subscriber } from "./subscriber.ts";

export interface Plan {
  runs: number;
  subscribers: number;
  turns: number;
  turnMs: number;
}

export interface Round {
  liveP50: number;
  liveP99: number;
  allP99: number;
  delivered: number;
  connections: number;
  refused: number;
  connectedMost: number;
  gaps: number;
  duplicates: number;
  unfinished: number;
}

interface Played {
  session: string;
  runId: string;
}

/** Ten a hundredth of a second: a crowd, not a stampede. */
const ARRIVING_TOGETHER = 10;
const ARRIVAL_MS = 8;
const KILLS = 2;
/** How long the last subscriber may take after the time the runs themselves need. */
const PATIENCE_MS = 30_000;

/** Runs at work, everybody watching, and the daemon killed twice meanwhile. */
export async function playRound(daemon: Daemon, name: string, plan: Plan): Promise<Round> {
  const door = new Door();
  const audience: Audience = {
    baseUrl: daemon.baseUrl,
    reachable: () => door.open,
    random: Math.random,
    live: [],
    caughtUp: [],
    connections: 0,
    refused: 0,
    connectedNow: 0,
    connectedMost: 0,
  };
  const leadMs = 2_000 + plan.subscribers;
  const runs = await begin(daemon, name, plan, leadMs);
  const begun = Date.now();
  const subscribers = Array.from({ length: plan.subscribers }, (_, index) => {
    const { runId } = runs[index % runs.length] as Played;
    return new Subscriber(runId, audience);
  });
  const ends: Promise<void>[] = [];
  for (const [index, subscriber] of subscribers.entries()) {
    ends.push(subscriber.follow());
    if (index % ARRIVING_TOGETHER === 0) await pause(ARRIVAL_MS);
  }
  await pause(Math.max(0, leadMs - (Date.now() - begun)));
  const activeMs = plan.turns * plan.turnMs;
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(activeMs / (KILLS + 1));
    door.close();
    await daemon.process.kill();
    await daemon.process.start();
    door.reopen();
  }
  await Promise.race([Promise.all(ends), pause(activeMs + PATIENCE_MS, undefined, { ref: false })]);
  const unfinished = subscribers.filter((subscriber) => !subscriber.isDone).length;
  for (const subscriber of subscribers) subscriber.giveUp();
  return { ...latencies(audience), ...check(daemon, runs, subscribers), unfinished };
}

/** Runs that begin to speak when everybody is there, not all at the same moment. */
async function begin(daemon: Daemon, name: string, plan: Plan, leadMs: number): Promise<Played[]> {
  const runs: Played[] = [];
  for (let index = 0; index < plan.runs; index++) {
    const session = `${name}-${index}`;
    const first = leadMs + (index / plan.runs) * plan.turnMs;
    const turn = (number: number) => ({
      delay_ms: Math.round(number === 0 ? first : plan.turnMs),
      text: `Turn ${number}`,
      tool_calls: [{ name: "noop", input: { bytes: 300 } }],
    });
    const simulate = [...Array.from({ length: plan.turns }, (_, number) => turn(number)), { text: "done" }];
    await postJson(`${daemon.baseUrl}/v1/sessions`, { session_id: session });
    const { run_id } = await postJson<{ run_id: string }>(`${daemon.baseUrl}/v1/sessions/${session}/runs`, {
      content: JSON.stringify({ simulate }),
    });
    runs.push({ session, runId: run_id });
  }
  return runs;
}

function latencies({ live, caughtUp, connections, refused, connectedMost }: Audience) {
  const all = [...live, ...caughtUp];
  return {
    liveP50: percentile(live, 0.5),
    liveP99: percentile(live, 0.99),
    allP99: percentile(all, 0.99),
    delivered: all.length,
    connections,
    refused,
    connectedMost,
  };
}

/** Of what the journal has of a run, how much each of its subscribers was not given, and how much twice. */
function check(daemon: Daemon, runs: readonly Played[], subscribers: readonly Subscriber[]) {
  const journal = new Journal(daemon.database);
  const truth = new Map(runs.map(({ session, runId }) => [runId, journal.positionsOf(session, runId)]));
  journal.close();
  let gaps = 0;
  let duplicates = 0;
  for (const { runId, ids, isDone } of subscribers) {
    const seen = new Set(ids);
    // Whoever was still reading when patience ended lacks what comes after its last id; that is no gap.
    const upTo = isDone ? Number.POSITIVE_INFINITY : (ids.at(-1) ?? 0);
    duplicates += ids.length - seen.size;
    gaps += (truth.get(runId) ?? []).filter((position) => position <= upTo && !seen.has(position)).length;
  }
  return { gaps, duplicates };
}

/** Shut while the daemon is down: a client that knows it would not knock. */
class Door {
  #opening = Promise.withResolvers<void>();

  constructor() {
    this.#opening.resolve();
  }

  get open(): Promise<void> {
    return this.#opening.promise;
  }

  close(): void {
    this.#opening = Promise.withResolvers<void>();
  }

  reopen(): void {
    this.#opening.resolve();
  }
}
