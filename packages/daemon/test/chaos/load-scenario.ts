import type { FaultContext } from "./faults/fault.ts";
import { kills } from "./faults/kills.ts";
import { planRun, planRuns } from "./load/plan.ts";
import { type Acceptance, mostOpenOf, submit, submitAll } from "./load/submitters.ts";
import type { ChaosOptions } from "./options.ts";
import type { Report } from "./report.ts";
import { Scene } from "./scene.ts";
import { Schedule } from "./schedule.ts";
import type { Surroundings } from "./stage.ts";

const FOLLOWED_SESSIONS = 3;
const FOLLOWED_RUNS = 3;

/** Submits all runs, lets everything happen to them that was asked for, waits until they have settled, and looks. */
export async function loadScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const scene = await Scene.open(options, surroundings);
  const { progress, caller, stage, say } = scene;
  const plan = planRuns(options.runs, stage.dice.for("plan"));
  const schedule = new Schedule(progress, plan.flatMap((run) => run.calls).length);
  const accepted: Acceptance[] = [];
  let extras = 0;
  const context: Omit<FaultContext, "dice"> = {
    schedule,
    say,
    meets: (code) => caller.meets(code),
    submitMore: async () => {
      const name = `x${extras++}`;
      accepted.push(await submit(planRun(name, name, stage.dice.for(name)), caller, progress));
    },
  };

  for (const session of new Set(plan.slice(0, FOLLOWED_SESSIONS).map((run) => run.session)))
    scene.followSession(session);
  const load = async () => {
    await submitAll(plan, {
      caller,
      progress,
      dice: stage.dice.for("submitters"),
      mostOpen: mostOpenOf(plan.length),
      onAccepted: (acceptance) => {
        if (accepted.push(acceptance) <= FOLLOWED_RUNS) scene.followRun(acceptance.runId);
      },
    });
    say("all runs are accepted");
    await progress.until("all runs to settle", () => progress.open === 0);
    schedule.end();
  };
  const strikes = [kills(options.kills, scene), ...stage.faults].map((fault, index) =>
    fault({ ...context, dice: stage.dice.for(`fault ${index}`) }),
  );
  await scene.settle(Promise.all([load(), ...strikes]));
  return scene.conclude(accepted, options.kills);
}
