import type { BudgetLimits, BudgetView, JsonObject, RunView } from "@kheish/contract";
import type { ModelRequest, PinnedRoute, Usage } from "../../src/engine/index.ts";
import { useRigs } from "../support/fixture.ts";
import type { BootOptions, Rig, RiggedDaemon } from "../support/rig.ts";
import { calls, ScriptedModel } from "../support/scripted-model.ts";
import { TestSession } from "../support/session.ts";
import { testTool } from "../support/tools.ts";

/** Micro-USD for a token in and a token out. */
const PRICES = { input: 2, output: 10 };

/** A model whose answers cost something, and which counts, outside of any daemon, what it was asked. */
export class PricedModel extends ScriptedModel {
  known = true;

  override priceOf(_route: PinnedRoute, _model: string, usage: Usage): number | undefined {
    return this.known ? usage.input_tokens * PRICES.input + usage.output_tokens * PRICES.output : undefined;
  }

  override routes(): [] {
    return [
      {
        route_id: "scripted",
        provider: "scripted",
        model: "big",
        capabilities: {},
      },
    ] as unknown as [];
  }
}

/** A turn that goes on: one call of a tool. */
export function step(request: Pick<ModelRequest, "run_id" | "turn">, usage?: Usage) {
  const details = usage === undefined ? {} : { usage };
  return calls([{ name: "work", id: `${request.run_id}-${request.turn}` }], details);
}

export const TWO_TOKENS = { input_tokens: 1, output_tokens: 1 };

export interface BudgetWorld {
  rig: Rig;
  daemon: RiggedDaemon;
  session: TestSession;
  set(id: string, definition: JsonObject): Promise<BudgetView>;
  budget(id: string): Promise<BudgetView>;
  /** The run once it ended or waits. */
  settled(runId: string): Promise<RunView>;
}

export function useBudgets(): (model: ScriptedModel, options?: BootOptions) => Promise<BudgetWorld> {
  const createRig = useRigs();
  return async (models, options = {}) => {
    const rig = await createRig([testTool("work")]);
    const daemon = await rig.boot({ models, ...options });
    const session = await TestSession.create(daemon);
    return { rig, daemon, session, ...onBudgets(daemon), settled: (runId) => session.settled(runId) };
  };
}

/** What an operator does about budgets. */
export function onBudgets(daemon: RiggedDaemon) {
  const show = (answer: { json: JsonObject }) => answer.json as unknown as BudgetView;
  return {
    set: async (budget_id: string, definition: JsonObject) =>
      show(
        await daemon.call("setBudget", {
          params: { budget_id },
          body: { scope: { kind: "daemon" }, window: { kind: "total" }, on_limit: "ask", ...definition },
        }),
      ),
    budget: async (budget_id: string) => show(await daemon.call("getBudget", { params: { budget_id } })),
  };
}

/** Answers the one approval that a run waits for. */
export async function decide(
  session: TestSession,
  runId: string,
  behavior: "allow" | "deny",
  extend_by?: BudgetLimits,
): Promise<void> {
  const [asked] = (await session.run(runId)).pending_approvals ?? [];
  if (asked === undefined) throw new Error(`run '${runId}' asks for nothing`);
  const edit = extend_by === undefined ? {} : { updated_input: { extend_by: extend_by as JsonObject } };
  await session.resolve(runId, { request_id: asked.id, behavior, ...edit });
}
