import type { EndpointId } from "@kheish/contract";
import { ABSENT, custodyOf, type Facts } from "../invariants/facts.ts";
import type { CustodyAct } from "../plan/plan.ts";
import type { Request } from "../world/network.ts";
import { PROVIDER_SLOT, providerSlot } from "../world/provider.ts";
import type { World } from "../world/world.ts";
import type { Client } from "./client.ts";
import { openSession } from "./open-session.ts";

const RETRY_MS = 400;

/** An operator of secrets, who asks for each thing until somebody says that it is done. */
export async function keepSecrets(
  world: World,
  facts: Facts,
  client: Client,
  acts: readonly CustodyAct[],
): Promise<void> {
  for (const act of acts) {
    await client.sleep(act.pauseMs);
    if ("session" in act) await openSession(client, act.session);
    await perform(world, facts, client, act);
  }
}

async function perform(world: World, facts: Facts, client: Client, act: CustodyAct): Promise<void> {
  const [endpoint, request] = requestFor(world, act);
  for (;;) {
    const unheard = announce(world, act);
    const answer = await client.once(endpoint, request);
    if (answer === undefined) unheard();
    // A slot that is not there has nothing to delete, disable or enable.
    if (answer !== undefined && (answer.status === 200 || answer.status === 404)) {
      world.mark(`custody: ${act.act} ${answer.status}`);
      if (act.act === "revoke" && answer.json.revoked !== true) {
        world.violate("secrets", `revoking ${act.session} is acknowledged, and it is not revoked`);
      }
      if (answer.status === 200 || act.act === "delete") acknowledge(facts, act);
      return;
    }
    if (answer !== undefined) {
      world.violate("secrets", `${act.act} is answered ${answer.status} ${answer.code ?? ""}`);
      return;
    }
    remember(facts, act);
    await client.sleep(RETRY_MS);
  }
}

function announce({ authorization }: World, act: CustodyAct): () => void {
  const isWrite = (act.act === "put" || act.act === "delete") && act.slot === PROVIDER_SLOT;
  return isWrite ? authorization.written(act.act === "put" ? act.secret : undefined) : () => undefined;
}

function requestFor(world: World, act: CustodyAct): [EndpointId, Request] {
  switch (act.act) {
    case "put": {
      const { slot: slot_id, secret: value } = act;
      if (slot_id === PROVIDER_SLOT)
        return ["putSecret", { body: providerSlot(world.authorization, world.plan, value) }];
      return [
        "putSecret",
        { body: { slot_id, provider: "generic", mode: "opaque_secret", state: { value } } },
      ];
    }
    case "delete":
      return ["deleteSecret", { params: { ref: act.slot } }];
    case "disable":
      return ["disableSlot", { params: { slot: act.slot }, body: { reason: "simulated" } }];
    case "enable":
      return ["enableSlot", { params: { slot: act.slot }, body: {} }];
    case "revoke_leases":
      return ["revokeSlotLeases", { params: { slot: act.slot }, body: {} }];
    case "rekey":
      return ["rekeySecrets", { body: { new_key: Buffer.alloc(32, act.key).toString("base64") } }];
    case "revoke":
      return ["revokeSubject", { params: { subject_id: `session:${act.session}` }, body: {} }];
    case "reinstate":
      return [
        "reinstateSubject",
        { params: { subject_id: `session:${act.session}` }, body: { reason: "simulated" } },
      ];
  }
}

function acknowledge(facts: Facts, act: CustodyAct): void {
  for (const [key, state] of statesAfter(act)) {
    const custody = custodyOf(facts, key);
    // Two operators may contradict each other about a session: what either was told last may be how it ends.
    if ("session" in act) custody.unheard.add(state);
    custody.acknowledged = state;
  }
}

/** Nobody said what became of it: it may have been done, and may still be. */
function remember(facts: Facts, act: CustodyAct): void {
  for (const [key, state] of statesAfter(act)) custodyOf(facts, key).unheard.add(state);
}

/** What the act says of whom. */
function statesAfter(act: CustodyAct): [key: string, state: string][] {
  switch (act.act) {
    case "put":
      return [
        [`secret ${act.slot}`, act.secret],
        [`use ${act.slot}`, "enabled"],
      ];
    case "delete":
      return [[`secret ${act.slot}`, ABSENT]];
    case "disable":
      return [[`use ${act.slot}`, "disabled"]];
    case "enable":
      return [[`use ${act.slot}`, "enabled"]];
    case "revoke":
    case "reinstate":
      return [[`subject session:${act.session}`, act.act]];
    case "revoke_leases":
    case "rekey":
      return [];
  }
}
