import { problem } from "@kheish/contract";
import type { Store } from "../../kernel/store.ts";
import { isRepairing } from "../decide.ts";
import type { RecordedEvent } from "../events.ts";
import { foldUntil } from "../fold.ts";
import { visibleTools } from "../loop/visible-tools.ts";
import type { ModelRequest } from "../ports.ts";
import type { RunRecord, SessionRecord } from "../records.ts";
import { buildTurn } from "./prompt.ts";
import { type PromptSettingsDeps, promptSettings } from "./prompt-settings.ts";
import { routeAt } from "./route-at.ts";

export type RebuildDeps = PromptSettingsDeps & { store: Store };

/**
 * What the model is asked in a turn of a run: the journal folded up to the turn's answer, through the pipeline that made
 * the request. The conversation is what was sent. The system prompt and the tools follow from settings, and those are
 * the present ones. Costs a fold of the session's history up to there.
 */
export async function promptOfTurn(
  deps: RebuildDeps,
  session: SessionRecord,
  run: RunRecord,
  turn: number,
): Promise<{ request: ModelRequest; answered: boolean }> {
  const { state, found } = await foldUntil(deps.store, run.session_id, answers(run.run_id, turn));
  const { run: runState } = state;
  if (runState === undefined || runState.run_id !== run.run_id || runState.turn !== turn) {
    throw problem("runs", "run_turn_not_found", `run '${run.run_id}' has no turn ${turn}`);
  }
  const route = routeAt(run, runState);
  const request = buildTurn(state, {
    session_id: run.session_id,
    run_id: run.run_id,
    turn,
    route,
    model: route.model,
    generation: run.generation,
    tools: isRepairing(runState) ? [] : visibleTools(deps.tools, session, state),
    ...promptSettings(deps, session, run),
  });
  return { request, answered: found };
}

const answers =
  (runId: string, turn: number) =>
  (event: RecordedEvent): boolean =>
    event.type === "message_appended" &&
    event.data.run_id === runId &&
    event.data.turn === turn &&
    event.data.message.role === "assistant";
