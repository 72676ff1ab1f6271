import { isTerminal, type RunView } from "@kheish/contract";
import { besideOf, OperatedScene } from "../operated/scene.ts";
import type { ChaosOptions } from "../options.ts";
import type { Report } from "../report.ts";
import { buildStage, type Surroundings } from "../stage.ts";
import { commandsOf } from "./commands.ts";
import { Machine } from "./machine.ts";
import { callOf, Session } from "./session.ts";
import { type CommandEnd, checkCommand } from "./verify.ts";

const SESSIONS = 8;
/** Longer than a model takes to stop a command, most of the time. */
const DEADLINE_MS = 4_000;
const LAST_KILL = 0.75;
/** A second for the guard's TERM, and a machine that others share. */
const GONE_WITHIN_MS = 8_000;

/**
 * Runs begin commands in the background: some end by themselves, some are stopped by a model, some come to their
 * deadline, and any may lose its daemon. What they did is what they wrote down and which processes there are.
 */
export async function tasksScenario(options: ChaosOptions, surroundings: Surroundings): Promise<Report> {
  const { runs, kills } = options;
  const stage = await buildStage(options, surroundings);
  const machine = new Machine(besideOf(stage, "ledger"));
  surroundings.cleanup.defer(() => machine.clear());
  const scene = await OperatedScene.open(options, surroundings, stage, {
    // In a sandbox a command's processes have other numbers and names than the machine's.
    flags: ["--permission-mode", "bypass-permissions", "--sandbox", "off"],
    env: { KHEISH_BACKGROUND_COMMAND_MAX_MS: String(DEADLINE_MS) },
  });
  const { daemon, findings } = scene;
  const outlived = (names: Iterable<string>, what: string) => {
    for (const name of names) findings.add("outlived", `${name} ran on ${what}`);
  };

  const sessions = await scene.createSessions(SESSIONS);
  const stopped = new Set<string>();
  const play = async (run: number) => {
    const session = new Session(scene, sessions[run % sessions.length] ?? "");
    const names = await session.begin(run, machine.ledger);
    if (await session.stop(run)) stopped.add(`r${run}-stopped`);
    await session.untilOver(names);
    outlived((await machine.running()).intersection(names), "after its task was over");
  };
  const last = runs - 1;
  const load = scene.forEachRun(async (run) => {
    if (run !== last) await play(run);
  });
  const killedAt: number[] = [];
  const all = runs * commandsOf(0).length;
  const killing = scene.strike({
    count: kills,
    last: LAST_KILL,
    done: async () => (await machine.written()).size / all,
    strike: async (index) => {
      const before = await machine.running();
      killedAt.push(Date.now());
      await daemon.kill();
      // The next one does not work yet: whatever runs now is the dead one's as well.
      const cutOff = before.union(await machine.running());
      scene.say(`kill ${index + 1} of ${kills}: ${cutOff.size} commands ran`);
      outlived(await machine.leftOf(cutOff, GONE_WITHIN_MS), "after its daemon had died");
    },
  });
  await scene.play(load, killing);
  // Nobody kills any more: on a machine so slow that every command before it was cut off, these end in their own ways.
  await scene.play(play(last));
  outlived(await machine.running(), "when all was over");

  const ends = new Map<CommandEnd | undefined, number>();
  const views = await scene.runs();
  const written = await machine.written();
  const notices = noticesIn(views);
  for (const [index, id] of sessions.entries()) {
    const session = new Session(scene, id);
    const [answers, tasks] = [await session.answers(), await session.tasks()];
    const ofSession = Array.from({ length: runs }, (_, run) => run).filter(
      (run) => run % sessions.length === index,
    );
    for (const command of ofSession.flatMap(commandsOf)) {
      const { name } = command;
      const own = tasks.filter((task) => callOf(task) === name);
      const end = checkCommand(
        {
          command,
          answer: answers.get(name),
          tasks: own,
          written: written.get(name) ?? { began: 0, ended: 0 },
          output: own[0] === undefined ? "" : await session.output(own[0]),
          isStopped: stopped.has(name),
          notices: own[0] === undefined ? 0 : (notices.get(own[0].id) ?? 0),
        },
        killedAt,
        findings,
      );
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  }
  for (const { run_id, status, error } of views)
    if (status !== "completed") findings.add("lost", `${run_id} is ${status}: ${error ?? "it says not why"}`);
  return scene.report({
    accepted: views.length,
    settled: views.filter(({ status }) => isTerminal(status)).length,
    completed: views.filter(({ status }) => status === "completed").length,
    unknown_surfaced: ends.get("never_begun") ?? 0,
    effects: written.size,
    tasks: {
      commands: all,
      exited: ends.get("exited") ?? 0,
      stopped: ends.get("stopped") ?? 0,
      past_deadline: ends.get("past_deadline") ?? 0,
      cut_off: ends.get("cut_off") ?? 0,
      outlived: findings.count("outlived"),
    },
  });
}

/** Task id -> runs that were begun to tell of it. */
function noticesIn(views: readonly RunView[]): Map<string, number> {
  const told = views.flatMap(({ input_metadata }) => {
    const { daemon } = (input_metadata ?? {}) as { daemon?: { task_ids?: string[] } };
    return daemon?.task_ids ?? [];
  });
  return new Map([...Map.groupBy(told, (id) => id)].map(([id, times]) => [id, times.length]));
}
