import type { Json } from "@kheish/contract";
import type { SessionEvents } from "../../../src/engine/index.ts";
import type { Op } from "../../../src/kernel/store.ts";
import type { SimulatedProcess } from "../world/process.ts";
import { type ModelCall, PROVIDER_SLOT } from "../world/provider.ts";
import type { World } from "../world/world.ts";
import type { Facts, TokenFacts } from "./facts.ts";

/** As a token is kept; named apart from the code that keeps it. */
interface StoredToken {
  name: string;
  verbs: string[];
  resources: string[];
  parent_token_id?: string;
}

/** What a landed commit says of who may use what. */
export function watchAccess(facts: Facts, world: World, ops: readonly Op[]): void {
  let hasEnded = false;
  for (const op of ops) {
    if (op.op === "put" && op.kind === "auth_subject") {
      bar(facts, op.id, (op.data as { revoked: boolean }).revoked);
    } else if (op.op === "put" && op.kind === "auth_slot") {
      bar(facts, `slot ${op.id}`, (op.data as { disabled?: Json }).disabled !== undefined);
    } else if (op.op === "delete" && op.kind === "auth_slot") {
      bar(facts, `slot ${op.id}`, true);
    } else if (op.op === "put" && op.kind === "access_token") {
      onToken(facts, world, op.id, op.data as unknown as StoredToken);
    } else if (op.op === "delete" && op.kind === "access_token") {
      facts.access.tokens.delete(op.id);
      facts.access.revoked.set(op.id, facts.access.now());
      hasEnded = true;
    } else if (op.op === "append" && op.stream === "auth") {
      for (const { type } of op.events) world.mark(`auth: ${type}`);
    }
  }
  if (hasEnded) checkOrphans(facts, world);
}

function bar(facts: Facts, key: string, isBarred: boolean): void {
  const { barred } = facts.access;
  if (!isBarred) barred.delete(key);
  else if (!barred.has(key)) barred.set(key, facts.access.now());
}

function onToken({ access }: Facts, world: World, id: string, token: StoredToken): void {
  // Written again when it creates another.
  if (access.tokens.has(id)) return;
  const { name, verbs, resources, parent_token_id: parent } = token;
  const made: TokenFacts = {
    name,
    verbs,
    resources,
    since: access.now(),
    ...(parent === undefined ? {} : { parent }),
  };
  access.tokens.set(id, made);
  if (parent === undefined) return;
  world.mark("token: created by a token");
  const creator = access.tokens.get(parent);
  if (creator === undefined) {
    world.violate("access", `${name} is created by a token that is revoked`);
    return;
  }
  const wider = [
    ...verbs.filter((verb) => !creator.verbs.includes(verb)),
    ...resources.filter((resource) => !creator.resources.some((own) => isBelow(resource, own))),
  ];
  if (wider.length > 0)
    world.violate("access", `${name} may ${wider.join(", ")}, and ${creator.name} may not`);
}

/** Of the few patterns that plans have. */
function isBelow(resource: string, own: string): boolean {
  if (resource === own || resource.startsWith(`${own}/`)) return true;
  return own === "sessions/a-*" && resource.startsWith("sessions/a-");
}

function checkOrphans({ access }: Facts, world: World): void {
  for (const { name, parent } of access.tokens.values()) {
    if (parent !== undefined && access.revoked.has(parent))
      world.violate("access", `${name} lives on when its creator is revoked`);
  }
}

/** A daemon has looked at a token: what it says must have been true at some time since it began to look. */
export function watchToken(
  { access }: Facts,
  world: World,
  bearer: string,
  looked: number,
  isAccepted: boolean,
): void {
  const id = `tok_${bearer.split("_")[1]}`;
  world.mark(`token: ${isAccepted ? "accepted" : "refused"}`);
  const revokedAt = access.revoked.get(id);
  if (isAccepted && revokedAt !== undefined && revokedAt < looked) {
    world.violate("access", `${id} is accepted after it was revoked`);
  }
  if (!isAccepted && access.tokens.has(id)) world.violate("access", `${id} lives and is refused`);
}

/** Seen from outside, when it happens. */
export function watchProviderCall(
  facts: Facts,
  world: World,
  process: SimulatedProcess,
  call: ModelCall,
): void {
  const { run_id: run, session_id: session, route_id: route, looked } = call;
  const expected = facts.access.fallbacks.get(run);
  // Whoever was overtaken may be about to make a call of which another daemon has the answer.
  const isDriver = facts.leases.get(`session/${session}`)?.slot === process.slot;
  if (isDriver && expected !== undefined && expected !== route) {
    world.violate("fallback", `${run} calls '${route}', and its journal says '${expected}'`);
  }
  if (looked === undefined) return;
  world.mark("lease: a call left");
  for (const key of [`session:${session}`, `slot ${PROVIDER_SLOT}`]) {
    const since = facts.access.barred.get(key);
    if (since !== undefined && since < looked) {
      world.violate("leases", `a call of ${run} leaves that was begun after ${key} was barred`);
    }
  }
}

/** The one who is refused has been told why, and it was so. */
export function watchDenial(facts: Facts, world: World, runId: string, why: string): void {
  facts.access.denied.set(runId, why);
  world.mark("lease: a call was refused");
}

export function onFallback(
  { access }: Facts,
  world: World,
  { run_id, fallback }: SessionEvents["model_call_failed"],
): void {
  if (fallback === undefined) return;
  world.mark("event: a run fell back");
  const { route_id } = fallback.target;
  if (access.fallbacks.get(run_id) === route_id) {
    world.violate("fallback", `${run_id} falls back to '${route_id}' twice`);
  }
  access.fallbacks.set(run_id, route_id);
}
