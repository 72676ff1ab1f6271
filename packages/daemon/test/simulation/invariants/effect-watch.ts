import type { Effect } from "../world/outside.ts";
import { isRemote, isRepeatable } from "../world/remote.ts";
import type { World } from "../world/world.ts";
import type { Facts } from "./facts.ts";

/** Looks at every effect when it happens: it must have been meant, allowed, and not done before. */
export function watchEffect(world: World, facts: Facts, effect: Effect): void {
  const { call: id, tool, key, input } = effect;
  world.mark(`effect: ${tool}`);
  world.tell("outside", () => `${tool} ${id} by ${effect.process}`);
  const call = facts.calls.get(id);
  if (call === undefined || !call.keys.has(key)) {
    world.violate("intent", `${tool} ${id} was done under a key that no dispatch on disk has`);
    return;
  }
  const times = world.outside.count(id);
  if (isRemote(tool)) checkApproval(world, facts, tool, id, input);
  if (isRepeatable(tool)) {
    if (times > 1) world.mark(`effect again: ${tool}`);
    return;
  }
  // What a paused daemon still does when another one has read back that it was not done, only the key can stop.
  const mayOverlap = world.plan.daemons > 1 && tool === "store_file";
  if (times > call.allowances && !mayOverlap) {
    world.violate("once", `${tool} ${id} was done ${times} times, ${call.allowances} allowed`);
  }
  if (tool === "bash") checkApproval(world, facts, tool, id, input);
}

function checkApproval(world: World, facts: Facts, tool: string, id: string, input: unknown): void {
  if (facts.hooks.allowed.has(id)) return;
  if (facts.calls.get(id)?.isAllowed === true) {
    if (JSON.stringify(facts.calls.get(id)?.input) !== JSON.stringify(input))
      world.violate("approvals", `${tool} ${id} was done with an input that no rule allowed`);
    return;
  }
  const approval = [...facts.approvals.values()].find(({ call }) => call === id);
  if (approval?.decision?.behavior !== "allow") {
    world.violate("approvals", `${tool} ${id} was done without a yes`);
    return;
  }
  const approved = approval.decision.input ?? facts.calls.get(id)?.input;
  if (JSON.stringify(approved) !== JSON.stringify(input)) {
    world.violate("approvals", `${tool} ${id} was done with an input that nobody allowed`);
  }
}
