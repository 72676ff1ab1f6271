import { type Json, problem, type RunPrompt } from "@kheish/contract";
import { promptOfTurn, requireRun, requireSession } from "../../engine/index.ts";

type Deps = Parameters<typeof promptOfTurn>[0];

/** The prompts of runs, for whoever wants to know what a model was asked. */
export class RunPrompts {
  readonly #deps: Deps;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async get(runId: string, turn: string): Promise<RunPrompt> {
    const { data: run } = await requireRun(this.#deps.store, runId);
    if (!/^\d{1,9}$/.test(turn)) {
      throw problem("runs", "run_turn_not_found", `a turn is a whole number from 0, not '${turn}'`);
    }
    const { data: session } = await requireSession(this.#deps.store, run.session_id);
    const { request, answered } = await promptOfTurn(this.#deps, session, run, Number(turn));
    return {
      run_id: runId,
      turn: request.turn,
      route_id: request.route.route_id,
      model: request.model,
      answered,
      system: request.system,
      messages: [...request.messages] as unknown as Json[],
      tools: [...request.tools],
      as_of_now: ["system", "tools"],
    };
  }
}
