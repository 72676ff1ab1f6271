import type { JsonObject, RunView, SessionGoal } from "@kheish/contract";
import type { ModelOutcome } from "../../src/engine/index.ts";
import { goalTools } from "../../src/tools/goals/goal-tools.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions, Rig, RiggedDaemon } from "../support/rig.ts";
import { calls, ScriptedModel } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { askTool, testTool } from "../support/tools.ts";

export const COMPLETE = calls([{ name: "update_goal", input: { status: "complete" } }]);
export const ASK = calls([{ name: "ask_user_question" }]);

/** Usage of a call; ten tokens of every answer are its own. */
export function spending(input_tokens: number, cached_input_tokens = 0) {
  return { usage: { input_tokens, output_tokens: 10, cached_input_tokens } };
}

/** A turn that does something. */
export function work(id: string, tokens = 0): ModelOutcome {
  return calls([{ name: "work", id }], spending(tokens));
}

/** Goes on until somebody ends it. */
export function endless(): Promise<ModelOutcome> {
  return new Promise(() => undefined);
}

export function statuses(runs: readonly RunView[]): string[] {
  return runs.map(({ kind, status }) => `${kind} ${status}`);
}

/** A daemon with one session, seen by somebody who cares about its goal. */
export class GoalWorld {
  readonly rig: Rig;
  readonly daemon: RiggedDaemon;
  readonly session: TestSession;
  readonly model: ScriptedModel;

  constructor(rig: Rig, daemon: RiggedDaemon, session: TestSession, model: ScriptedModel) {
    this.rig = rig;
    this.daemon = daemon;
    this.session = session;
    this.model = model;
  }

  readonly goal = async (): Promise<SessionGoal | undefined> =>
    ((await this.session.call("getGoal")).json as { goal?: SessionGoal }).goal;

  readonly set = async (more: JsonObject = {}): Promise<void> => {
    await this.session.call("replaceGoal", { objective: "ship it", ...more });
  };

  /** Changes the goal as it is now. */
  readonly patch = async (changes: JsonObject): Promise<void> => {
    const known = await this.goal();
    const expected = { expected_goal_id: known?.goal_id, expected_version: known?.version };
    await this.session.call("patchGoal", { ...expected, ...changes });
  };

  /** All runs, once nothing can go on without time passing. */
  readonly settled = async (): Promise<RunView[]> => {
    await this.daemon.settle();
    return this.daemon.runs();
  };
}

type Script = readonly ModelOutcome[] | ScriptedModel;

/** Makes worlds whose model says these things, one after the other; each is gone after its test. */
export function useWorlds(): (script: Script, options?: BootOptions) => Promise<GoalWorld> {
  const createRig = useRigs();
  return async (script, options = {}) => {
    const rig = await createRig([...goalTools(), testTool("work"), askTool()]);
    const model = script instanceof ScriptedModel ? script : ScriptedModel.of(script);
    const daemon = await rig.boot({ models: model, ...options });
    return new GoalWorld(rig, daemon, await TestSession.create(daemon), model);
  };
}
