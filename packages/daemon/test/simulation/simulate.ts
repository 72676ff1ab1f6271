import type { SessionEvents } from "../../src/engine/index.ts";
import { takeCare } from "./clients/caretaker.ts";
import { comeBack, mayComeBack } from "./clients/comeback.ts";
import { Deciders } from "./clients/decider.ts";
import { intervene } from "./clients/intervener.ts";
import { askEveryDaemon, legislate } from "./clients/legislator.ts";
import { keepSkills } from "./clients/librarian.ts";
import { operate } from "./clients/operator.ts";
import { rule } from "./clients/ruler.ts";
import { submit } from "./clients/submitter.ts";
import { Watcher } from "./clients/watcher.ts";
import { watchDenial, watchProviderCall, watchToken } from "./invariants/access-watch.ts";
import { watchAccounts, watchLoginDenial } from "./invariants/account-watch.ts";
import { watchDamage } from "./invariants/audit.ts";
import { watchModelCall } from "./invariants/budget-watch.ts";
import type { CheckName } from "./invariants/check.ts";
import { CommitWatch } from "./invariants/commit-watch.ts";
import { checkCustody } from "./invariants/custody.ts";
import { watchEffect } from "./invariants/effect-watch.ts";
import { checkEnd, checkRecovery } from "./invariants/ending.ts";
import { Facts } from "./invariants/facts.ts";
import { watchHookCall } from "./invariants/hook-watch.ts";
import { type Outcome, outcomesOf } from "./invariants/outcomes.ts";
import { asStored } from "./invariants/settings.ts";
import { watchTold } from "./invariants/skill-watch.ts";
import { watchLaunch } from "./invariants/task-watch.ts";
import type { Plan } from "./plan/plan.ts";
import { hookSettings } from "./world/hooks.ts";
import type { Answered } from "./world/store-front.ts";
import { describe, type Line, type Mark, World } from "./world/world.ts";

/** What came of one plan. */
export interface Simulated {
  plan: Plan;
  /** The first thing that must never be and was. */
  violation: { check: CheckName; detail: string } | undefined;
  /** Of everything that happened, in its order. */
  digest: number;
  events: number;
  commits: number;
  simulatedMs: number;
  marks: ReadonlyMap<Mark, number>;
  /** Empty unless it was traced. */
  lines: readonly Line[];
  /** By submission. */
  outcomes: ReadonlyMap<string, Outcome>;
}

/** Until then things go wrong as planned; then nothing does any more, and all has to settle. */
const HEAL_AT_MS = 12_000;
const MOST_EVENTS = 120_000;
/** Simulated time that may pass, once nothing goes wrong any more, before everything has settled. */
const SETTLE_WITHIN_MS = 600_000;
/** Longer than any deadline that a plan sets. */
const LAPSE_MS = 30_000;
/** How often it is asked whether all is over, in events. */
const LOOK_EVERY = 25;
/** Time for what follows when all is over: it is anchored, a command's end is told, whoever watches reads to the end. */
const AFTERMATH_MS = 5_000;
/** Time for what was restarted last to do what it should not. */
const RECOVERY_MS = 5_000;
const DRAIN_MS = 60_000;

/** Lets one plan happen, on simulated time, and checks what must hold while it does and at its end. */
export async function simulate(plan: Plan, options: { traced?: boolean } = {}): Promise<Simulated> {
  const world = new World(plan, { traced: options.traced === true });
  const facts = new Facts();
  try {
    await world.prepare();
    const people = populate(world, facts);
    await run(world, facts, people);
    const outcomes =
      world.violation === undefined && world.store !== undefined ? await outcomesOf(world.store) : new Map();
    return {
      plan,
      violation: world.violation && { check: world.violation.check, detail: world.violation.message },
      digest: world.scheduler.digest,
      events: world.scheduler.steps,
      commits: world.commits,
      simulatedMs: world.scheduler.elapsed,
      marks: world.marks,
      lines: world.lines,
      outcomes,
    };
  } finally {
    await world.remove();
  }
}

interface People {
  /** Submitters, interveners, operators, rulers, legislators and librarians who are not done yet. */
  busy: number;
  watchers: Watcher[];
  employ(work: Promise<void>): void;
}

/** Everybody who takes part, with their eyes on the commits and on the world outside. */
function populate(world: World, facts: Facts): People {
  const watch = new CommitWatch(world, facts);
  const deciders = new Deciders(world, facts);
  world.listener = {
    onBoot: (process) => watch.onBoot(process),
    onModelCall: (process, call) => {
      watchModelCall(world, facts, process, call.run_id);
      watchProviderCall(facts, world, process, call);
      watchTold(world, facts, process, call);
    },
    beforeLook: () => facts.access.now(),
    onDenied: (runId, why) => {
      watchDenial(facts, world, runId, why);
      watchLoginDenial(world, why);
    },
    onToken: (bearer, looked, isAccepted) => watchToken(facts, world, bearer, looked, isAccepted),
    onError: (process, message, fields) => watchDamage(world, process, message, fields),
    onCommit: (answered) => {
      watch.onCommit(answered);
      if (answered.result.ok) askDeciders(deciders, answered);
    },
  };
  watchAccounts(world);
  world.hooks.onCall = (called) => watchHookCall(world, facts, called);
  const hooked = hookSettings(world.plan.hooks);
  if (hooked !== undefined) facts.settings.revisions.push(asStored(hooked));
  world.commands.onLaunch = (command) => watchLaunch(world, facts, command);
  world.outside.onEffect = (effect) => watchEffect(world, facts, effect);
  const { plan } = world;
  const watchers = plan.watchers.map((one, index) => new Watcher(world, facts, one, index));
  const people: People = {
    busy: 0,
    watchers,
    employ(work) {
      people.busy += 1;
      work
        .catch((error: unknown) => world.violate("incident", `a client failed: ${describe(error)}`))
        .finally(() => {
          people.busy -= 1;
        });
    },
  };
  const { employ } = people;
  for (const submission of plan.submissions) {
    for (let copy = 0; copy < submission.copies; copy++) employ(submit(world, facts, submission, copy));
  }
  for (const [index, intervention] of plan.interventions.entries()) {
    employ(intervene(world, facts, intervention, index));
  }
  for (const [index, operator] of plan.operators.entries()) employ(operate(world, facts, operator, index));
  for (const [index, ruler] of plan.rulers.entries()) employ(rule(world, facts, ruler, index));
  for (const [index, one] of plan.legislators.entries()) employ(legislate(world, facts, one, index));
  for (const [index, one] of plan.librarians.entries()) employ(keepSkills(world, facts, one, index));
  for (const watcher of watchers) void watcher.run();
  world.start();
  return people;
}

function askDeciders(deciders: Deciders, { ops }: Answered): void {
  for (const op of ops) {
    if (op.op !== "append") continue;
    for (const { type, data } of op.events) {
      const { run_id: runId } = data as { run_id: string };
      if (type === "waiting_for_approval") {
        deciders.onApprovals(runId, data as unknown as SessionEvents["waiting_for_approval"]);
      } else if (type === "waiting_for_user_question") {
        deciders.onQuestion(runId, data as unknown as SessionEvents["waiting_for_user_question"]);
      }
    }
  }
}

async function run(world: World, facts: Facts, people: People): Promise<void> {
  const { scheduler } = world;
  await play(world, () => scheduler.elapsed >= HEAL_AT_MS);
  if (world.violation !== undefined) return;
  world.tell("world", () => "nothing goes wrong any more");
  world.heal();
  let over = false;
  // Deadlines come first: what nobody answered in time has lapsed before somebody takes care of the rest.
  await playFor(world, LAPSE_MS);
  void takeCare(world, () => over);
  const deadline = scheduler.elapsed + SETTLE_WITHIN_MS;
  const untilQuiet = async () => {
    let sinceMs = Infinity;
    const hasBeenQuiet = () => {
      sinceMs = isQuiet(world, facts, people) ? Math.min(sinceMs, scheduler.elapsed) : Infinity;
      return scheduler.elapsed - sinceMs >= AFTERMATH_MS || scheduler.elapsed > deadline;
    };
    await play(world, hasBeenQuiet, 1);
  };
  await untilQuiet();
  // Timers that were set for what has been decided since come and find nothing to do, unless a goal goes on.
  await playFor(world, DRAIN_MS);
  await untilQuiet();
  if (world.plan.access?.account !== undefined) await checkCustody(world, facts);
  if (mayComeBack(world.plan)) {
    people.employ(comeBack(world, facts));
    await untilQuiet();
  }
  if (world.plan.legislators.length > 0) {
    people.employ(askEveryDaemon(world, facts));
    await untilQuiet();
  }
  over = true;
  if (world.violation !== undefined) return;
  if (!isQuiet(world, facts, people)) {
    world.violate("settles", restless(world, facts, people));
    return;
  }
  await checkEnd(world, facts, people.watchers);
  await checkCustody(world, facts);
  for (const watcher of people.watchers) watcher.stop();
  if (world.violation === undefined) await checkRecovery(world, () => playFor(world, RECOVERY_MS));
}

function isQuiet({ commands }: World, facts: Facts, people: People): boolean {
  const isOver = people.busy === 0 && commands.all.every(({ exit }) => exit !== undefined);
  return isOver && [...facts.runs.values()].every((one) => one.endedSeq !== undefined);
}

function restless({ commands }: World, facts: Facts, people: People): string {
  const open = [...facts.runs.values()].filter((one) => one.endedSeq === undefined);
  const going = commands.all.filter(({ exit }) => exit === undefined);
  const left = [...open.map(({ id, status }) => `${id} (${status})`), ...going.map(({ task }) => task)];
  return `${people.busy} clients wait; not at an end: ${left.join(", ")}`;
}

async function play(world: World, isOver: () => boolean, lookEvery = LOOK_EVERY): Promise<void> {
  for (let event = 0; world.violation === undefined; event++) {
    if (event % lookEvery === 0 && isOver()) return;
    if (!(await world.scheduler.step())) return;
    if (world.scheduler.steps > MOST_EVENTS) {
      world.violate("growth", `more than ${MOST_EVENTS} events`);
    }
  }
}

async function playFor(world: World, ms: number): Promise<void> {
  const until = world.scheduler.elapsed + ms;
  await play(world, () => world.scheduler.elapsed >= until);
}
