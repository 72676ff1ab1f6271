import { setTimeout as delay } from "node:timers/promises";
import { ownTime } from "../support/own-time.ts";
import type { SupervisedDaemon } from "./daemon/supervised-daemon.ts";
import type { CallKind, PlannedRun } from "./load/plan.ts";
import { planHeldRun, planThinkingRun } from "./load/plan.ts";
import { type Acceptance, submitAll } from "./load/submitters.ts";
import type { ChaosOptions } from "./options.ts";
import { type Report, rounded, type SigtermFigures } from "./report.ts";
import { Scene } from "./scene.ts";
import type { Surroundings } from "./stage.ts";
import { within } from "./within.ts";

const KINDS: (CallKind | "thinking")[] = ["read", "idempotent", "once", "checked", "thinking"];
/** A model call lasts longer than it takes to bring all runs to life. */
const THINKS_MS = 6_000;
const THINKS_PER_RUN_MS = 100;
const STEP_BACK_MS = -3 * 3_600_000;
const ALIVE_WITHIN_MS = 60_000;
const PROBE_MS = 5;

/** One SIGTERM while every run is alive and one tool does not stop when told to; then the next start. */
export async function sigtermScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const scene = await Scene.open(options, surroundings);
  const { progress, caller, stage, daemon, say } = scene;
  const plan = planLiveRuns(options.runs);
  const accepted: Acceptance[] = [];
  await submitAll(plan, {
    caller,
    progress,
    dice: stage.dice.for("submitters"),
    mostOpen: plan.length + 1,
    onAccepted: (acceptance) => void accepted.push(acceptance),
  });
  const held = plan.filter((run) => run.calls.some((call) => call.kind !== "deaf")).length;
  await within(ALIVE_WITHIN_MS, "the world to hold their calls", stage.world.holds(held));
  await progress.until("all runs to be alive", () => progress.inFlight === plan.length);
  say(`${plan.length} runs are alive; SIGTERM`);

  const sigterm = { live_runs: progress.inFlight, ...(await stopAndProbe(daemon)) };
  say(`gone after ${sigterm.seconds_to_exit} s; starting again`);
  if (stage.clock !== undefined) {
    await stage.clock.step(STEP_BACK_MS);
    say("the clock was stepped back");
  }
  stage.world.letGo();
  const started = daemon.start();
  scene.tookOver();
  await scene.settle(started);
  return scene.conclude(accepted, 0, sigterm);
}

/** Each in a session of its own; the first has the deaf tool. */
function planLiveRuns(count: number): PlannedRun[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = index === 0 ? "deaf" : (KINDS[index % KINDS.length] ?? "read");
    if (kind === "thinking")
      return planThinkingRun(`r${index}`, `s${index}`, THINKS_MS + count * THINKS_PER_RUN_MS);
    return planHeldRun(`r${index}`, `s${index}`, kind);
  });
}

async function stopAndProbe(daemon: SupervisedDaemon): Promise<Omit<SigtermFigures, "live_runs">> {
  let isGone = false;
  let isFirst: boolean | undefined;
  const tookMs = await ownTime([daemon.pid], async () => {
    const gone = daemon.stop().then(() => {
      isGone = true;
    });
    while (isFirst === undefined && !isGone) {
      const status = await fetch(`${daemon.baseUrl}/readyz`).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status !== 200) isFirst = status === 503;
      else await delay(PROBE_MS);
    }
    await gone;
  });
  return { readiness_false_first: isFirst === true, seconds_to_exit: rounded(tookMs / 1_000) ?? 0 };
}
