import { follow, markEnd } from "../support/follow.ts";
import { SupervisedDaemon } from "./daemon/supervised-daemon.ts";
import { Caller } from "./load/caller.ts";
import { People } from "./load/people.ts";
import { Progress, Stalled } from "./load/progress.ts";
import type { Acceptance } from "./load/submitters.ts";
import type { ChaosOptions } from "./options.ts";
import { heading, isClean, median, type Report, rounded, type SigtermFigures } from "./report.ts";
import { buildStage, keepLog, type Stage, type Surroundings } from "./stage.ts";
import { Findings } from "./verify/findings.ts";
import { secondsToFirstResumedStep } from "./verify/resumption.ts";
import { checkRuns } from "./verify/runs.ts";
import { checkStreams, everything, type Followed, ofRun, ofSession } from "./verify/streams.ts";
import { worldViews } from "./verify/world-views.ts";

const MOST_NAMED = 10;

/** A daemon on its stage, with those who watch it, call it and answer it. */
export class Scene {
  readonly options: ChaosOptions;
  readonly stage: Stage;
  readonly daemon: SupervisedDaemon;
  readonly caller: Caller;
  readonly progress = new Progress();
  readonly people: People;
  readonly say: Surroundings["say"];
  readonly #followed: Followed[] = [];
  readonly #stop = new AbortController();
  readonly #began = performance.now();
  /** When each process that took over was started, in the daemon's time. */
  readonly #takeovers: number[] = [];
  #isClean = false;

  private constructor(
    options: ChaosOptions,
    stage: Stage,
    daemon: SupervisedDaemon,
    say: Surroundings["say"],
  ) {
    this.options = options;
    this.stage = stage;
    this.daemon = daemon;
    this.say = say;
    this.caller = new Caller(daemon.baseUrl);
    this.people = new People(this.caller, stage.dice.for("people"));
  }

  static async open(options: ChaosOptions, surroundings: Surroundings): Promise<Scene> {
    const stage = await buildStage(options, surroundings);
    const daemon = await SupervisedDaemon.at(stage.place);
    surroundings.cleanup.defer(() => daemon.dispose());
    const scene = new Scene(options, stage, daemon, surroundings.say);
    surroundings.cleanup.defer(() => scene.#close());
    await daemon.start();
    scene.#follow("the daemon's stream", "/v1/events/stream", everything);
    return scene;
  }

  /** A process that has to go on where another one ended has just been started. */
  readonly tookOver = (): void => {
    this.#takeovers.push(this.stage.clock?.now() ?? Date.now());
  };

  followSession(sessionId: string): void {
    this.#follow(`session ${sessionId}`, `/v1/sessions/${sessionId}/stream`, ofSession(sessionId));
  }

  followRun(runId: string): void {
    this.#follow(`run ${runId}`, `/v1/runs/${runId}/stream`, ofRun(runId));
  }

  /**
   * Resolves when what happens is over, everything accepted has settled and whoever had something to say has said it;
   * also when nothing moves any more: that is for the report.
   */
  async settle(happening: Promise<unknown>): Promise<void> {
    try {
      await happening;
      await this.progress.until("all runs to settle", () => this.progress.open === 0);
      await this.people.quiet();
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      this.say(error.message);
    }
    this.say("looking at everything from outside");
  }

  /** Looks at everything from outside, once nothing moves any more. */
  async conclude(accepted: readonly Acceptance[], kills: number, sigterm?: SigtermFigures): Promise<Report> {
    const report = await this.#report(accepted, kills, sigterm);
    this.#isClean = isClean(report);
    return report;
  }

  async #report(
    accepted: readonly Acceptance[],
    kills: number,
    sigterm: SigtermFigures | undefined,
  ): Promise<Report> {
    const { daemon, caller, stage } = this;
    await daemon.ready();
    const findings = new Findings();
    const world = await worldViews(stage.world, stage.place.workspace);
    const { counts, logs } = await checkRuns(caller, accepted, this.people.acknowledged, world, findings);
    const { events } = await caller.get<{ events: { tail_event_id_cursor: string } }>("/v1/status");
    const resumed = secondsToFirstResumedStep(this.#takeovers, logs);
    const end = await markEnd(daemon.baseUrl);
    await checkStreams(daemon.baseUrl, String(end), this.#followed, logs, findings);
    return {
      ...heading(this.options),
      accepted: accepted.length,
      settled: counts.settled,
      completed: counts.completed,
      lost: findings.count("lost"),
      repeated: findings.count("repeated"),
      stream_gaps: findings.count("gaps"),
      stream_duplicates: findings.count("duplicates"),
      unknown_surfaced: counts.unknown,
      unknown_told_by_tool: counts.unknownTold,
      given_up: counts.givenUp,
      effects: [...world.values()].reduce((sum, view) => sum + view.done, 0),
      lost_acknowledgements: stage.world.lostAcknowledgements,
      kills,
      restarts: daemon.restarts,
      failed_starts: daemon.failedStarts,
      crashes: daemon.crashes,
      takeovers: counts.takeovers,
      resumptions: resumed.length,
      seconds_to_first_resumed_step_median: rounded(median(resumed)),
      seconds_to_first_resumed_step_max: rounded(resumed.length === 0 ? undefined : Math.max(...resumed)),
      events: Number(events.tail_event_id_cursor),
      problems: Object.fromEntries(caller.problems),
      seconds: rounded((performance.now() - this.#began) / 1_000) ?? 0,
      ...(sigterm === undefined ? {} : { sigterm }),
      findings: findings.sentences,
    };
  }

  #follow(name: string, path: string, carries: Followed["carries"]): void {
    const isMain = this.#followed.length === 0;
    const url = `${this.daemon.baseUrl}${path}?cursor=0`;
    const following = follow(url, this.#stop.signal, undefined, (frame) => {
      if (!isMain) return;
      this.people.see(frame);
      this.progress.see(frame);
    });
    this.#followed.push({ name, following, carries });
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    if (this.#isClean) return;
    const { unsettled } = this.progress;
    if (unsettled.length > 0)
      this.say(`${unsettled.length} runs have not settled: ${unsettled.slice(0, MOST_NAMED).join(", ")}`);
    const log = await keepLog(this.stage, this.options.seed);
    if (log !== undefined) this.say(`the daemon's log: ${log}`);
  }
}
