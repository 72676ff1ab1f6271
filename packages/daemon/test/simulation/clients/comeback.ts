import type { RunView } from "@kheish/contract";
import type { Facts } from "../invariants/facts.ts";
import type { Plan } from "../plan/plan.ts";
import { PROVIDER_SLOT } from "../world/provider.ts";
import type { World } from "../world/world.ts";
import { Client } from "./client.ts";
import { keepSecrets } from "./custodian.ts";
import { openSession } from "./open-session.ts";

const POLL_MS = 50;
const MOST_POLLS = 2_000;

/** A budget may be in its way, so only where there is none. */
export function mayComeBack({ access, budget }: Plan): boolean {
  return access?.leased === true && budget === undefined;
}

/**
 * Comes when all runs have ended: whoever had lost its credential gets it back, and its session works on as if nothing
 * had been.
 */
export async function comeBack(world: World, facts: Facts): Promise<void> {
  const { sessions } = world.plan;
  const client = new Client(world, "comeback");
  const acts = [
    { pauseMs: 0, act: "put", slot: PROVIDER_SLOT, secret: "the provider's last key" } as const,
    ...sessions.map(({ id }) => ({ pauseMs: 0, act: "reinstate", session: id }) as const),
  ];
  await keepSecrets(world, facts, client, acts);
  for (const { id } of sessions) await workIn(world, facts, client, id);
}

async function workIn(world: World, facts: Facts, client: Client, session: string): Promise<void> {
  await openSession(client, session);
  const { status, json } = await client.insist("submitRun", {
    params: { session_id: session },
    body: { content: JSON.stringify({ simulate: [{ text: "back" }] }) },
    idempotencyKey: `comeback of ${session}`,
  });
  const { run_id } = json as unknown as RunView;
  for (let poll = 0; status === 202 && poll < MOST_POLLS; poll++) {
    await client.sleep(POLL_MS);
    if (facts.run(run_id).endedSeq !== undefined) break;
  }
  const ended = facts.run(run_id).status;
  world.mark("lease: came back");
  if (ended !== "completed") {
    world.violate(
      "leases",
      `session ${session} got its credential back, and its next run is ${ended ?? status}`,
    );
  }
}
