import type { RuntimeSettingsView } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import type { OperatorPlan } from "../plan/plan.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";

/** Somebody who changes the daemon's settings, each time from the revision that was just read; two of them race. */
export async function operate(world: World, facts: Facts, plan: OperatorPlan, index: number): Promise<void> {
  const client = new Client(world, `operator ${index}`);
  for (const change of plan.changes) {
    await client.sleep(change.afterMs);
    await make(client, facts, change);
  }
}

/** Again while others are faster. Whether a change that nobody heard of was made, nobody asks. */
async function make(
  client: Client,
  facts: Facts,
  { id, back, calls }: OperatorPlan["changes"][number],
): Promise<void> {
  const { world } = client;
  for (;;) {
    const { revision: known } = configOf((await client.insist("getRuntime")).json);
    const change = { expected_revision: known, reason: id };
    // No run makes as many calls as these limits allow.
    const answer =
      back && known > 1
        ? await client.once("rollbackRuntime", { body: { ...change, target_revision: known - 1 } })
        : await client.once("setToolLimits", { body: { ...change, limits: { max_calls_per_turn: calls } } });
    world.mark(`settings: ${answer?.code ?? answer?.status ?? "unheard"}`);
    if (answer === undefined) return;
    if (answer.status === 200) {
      facts.settings.acknowledged.push({ id, known, revision: configOf(answer.json).revision });
      return;
    }
    if (answer.code !== "runtime_revision_conflict") {
      world.violate("settings", `${id} is refused: ${answer.status} ${answer.code}`);
      return;
    }
  }
}

function configOf(json: unknown): RuntimeSettingsView["config"] {
  return (json as RuntimeSettingsView).config;
}
