import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { DaemonStatusView, RunView } from "@kheish/contract";
import { type DaemonPlace, SupervisedDaemon } from "../daemon/supervised-daemon.ts";
import type { ChaosOptions } from "../options.ts";
import { heading, isClean, NOT_LOOKED_AT, type Report, rounded } from "../report.ts";
import { keepLog, type Stage, type Surroundings } from "../stage.ts";
import { Findings } from "../verify/findings.ts";
import { Operator } from "./operator.ts";

const ADMIN = "the-admin-token-of-this-chaos-0123456789";
const SUBMITTERS = 6;
const SETTLE_WITHIN_MS = 300_000;
const POLL_MS = 50;
const LIST_LIMIT = 10_000;
const AFTER_MS: [number, number] = [0, 60];

/** What the daemon of a scenario is given besides its places and the operator's token. */
export type Given = Partial<Pick<DaemonPlace, "flags" | "env">>;

/** What a scenario has to say itself; whatever else it says is instead of what it did not look at. */
export type Own = Pick<Report, "settled" | "completed" | "effects"> & Partial<Report>;

export interface Strikes {
  /** How many. */
  count: number;
  /** The share of the work by which the last one has come. */
  last: number;
  /** How much of the work is done, 1 for all of it. */
  done: () => number | Promise<number>;
  /** Each counted from 0; the daemon is ready before the next one. */
  strike: (index: number) => Promise<void>;
}

/** A daemon on its stage, the operator who holds its token, and what happens to both while runs are submitted. */
export class OperatedScene {
  readonly stage: Stage;
  readonly daemon: SupervisedDaemon;
  readonly admin: Operator;
  readonly say: Surroundings["say"];
  readonly findings = new Findings();
  readonly #options: ChaosOptions;
  readonly #began = performance.now();
  #isOver = false;
  #isClean = false;

  private constructor(
    options: ChaosOptions,
    stage: Stage,
    daemon: SupervisedDaemon,
    say: Surroundings["say"],
  ) {
    this.#options = options;
    this.stage = stage;
    this.daemon = daemon;
    this.say = say;
    this.admin = new Operator(daemon.baseUrl, ADMIN);
  }

  /** With the daemon ready. */
  static async open(
    options: ChaosOptions,
    { say, cleanup }: Surroundings,
    stage: Stage,
    { flags = [], env = {} }: Given,
  ): Promise<OperatedScene> {
    const token = besideOf(stage, "admin-token");
    await writeFile(token, ADMIN, { mode: 0o600 });
    const daemon = await SupervisedDaemon.at({
      ...stage.place,
      flags: ["--http-admin-token-file", token, ...flags],
      env: { ...stage.place.env, ...env },
    });
    cleanup.defer(() => daemon.dispose());
    const scene = new OperatedScene(options, stage, daemon, say);
    cleanup.defer(() => scene.#close());
    await daemon.start();
    return scene;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** As many as there are runs, at most so many. */
  async createSessions(most: number): Promise<string[]> {
    const sessions = Array.from({ length: Math.min(most, this.#options.runs) }, (_, index) => `s${index}`);
    for (const session of sessions) await this.admin.ask("POST", "/v1/sessions", { session_id: session });
    return sessions;
  }

  /** Each run of the load, a few at a time, counted from 0. */
  async forEachRun(work: (run: number) => Promise<unknown>): Promise<void> {
    const left = Array.from({ length: this.#options.runs }, (_, index) => index);
    const worker = async () => {
      for (let run = left.shift(); run !== undefined; run = left.shift()) await work(run);
    };
    await Promise.all(Array.from({ length: SUBMITTERS }, worker));
  }

  /** Under a key of its own, until it is acknowledged. */
  async submit(session: string, key: string, content: string): Promise<RunView> {
    const answer = await this.admin.ask("POST", `/v1/sessions/${session}/runs`, { content }, key);
    if (answer.status !== 202)
      throw new Error(`${key} is answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body as RunView;
  }

  /** A little after shares of the work that the seed decides; what does not come to pass is done at the end. */
  async strike({ count, last, done, strike }: Strikes): Promise<void> {
    const dice = this.stage.dice.for("kills");
    const shares = Array.from({ length: count }, () => dice.unit() * last).sort((a, b) => a - b);
    for (const [index, share] of shares.entries()) {
      while ((await done()) < share && !this.#isOver) await delay(POLL_MS);
      await delay(dice.between(...AFTER_MS));
      await strike(index);
      await this.daemon.ready();
    }
  }

  /** Until the load is submitted, every run there is has ended, and what happens beside it is over as well. */
  async play(load: Promise<unknown>, ...beside: Promise<unknown>[]): Promise<void> {
    const settled = load.then(async () => {
      if (!(await this.#settled())) this.findings.add("lost", "not all runs came to an end");
      this.#isOver = true;
    });
    await Promise.all([settled, ...beside]);
    await this.daemon.ready();
    this.say("looking at everything from outside");
  }

  async runs(): Promise<RunView[]> {
    return (await this.admin.ask("GET", `/v1/runs?limit=${LIST_LIMIT}`)).body as RunView[];
  }

  /** The figures, once everything has been looked at. */
  async report(own: Own): Promise<Report> {
    const { daemon, findings } = this;
    const { runs, kills } = this.#options;
    const { accepted = runs, settled, completed, effects, ...more } = own;
    const { events } = await this.#status();
    const report: Report = {
      ...heading(this.#options),
      accepted,
      settled,
      completed,
      lost: findings.count("lost"),
      repeated: findings.count("repeated"),
      ...NOT_LOOKED_AT,
      effects,
      kills,
      restarts: daemon.restarts,
      failed_starts: daemon.failedStarts,
      crashes: daemon.crashes,
      events: Number(events.tail_event_id_cursor),
      seconds: rounded((performance.now() - this.#began) / 1_000) ?? 0,
      ...more,
      findings: findings.sentences,
    };
    this.#isClean = isClean(report);
    return report;
  }

  async #settled(): Promise<boolean> {
    const deadline = performance.now() + SETTLE_WITHIN_MS;
    while (performance.now() < deadline) {
      const { total, completed, failed, interrupted, cancelled } = (await this.#status()).runs;
      if (total === completed + failed + interrupted + cancelled) return true;
      await delay(POLL_MS);
    }
    return false;
  }

  async #status(): Promise<DaemonStatusView> {
    return (await this.admin.ask("GET", "/v1/status")).body as DaemonStatusView;
  }

  async #close(): Promise<void> {
    const log = this.#isClean ? undefined : await keepLog(this.stage, this.#options.seed);
    if (log !== undefined) this.say(`the daemon's log: ${log}`);
  }
}

/** A place beside the daemon's own. */
export function besideOf({ place }: Stage, name: string): string {
  return join(place.workspace, "..", name);
}
