import type { SessionEvents } from "../../../src/engine/index.ts";
import type { Op, Store } from "../../../src/kernel/store.ts";
import { GUARDED, guardPlan, type HookCalled, permissionPlan } from "../world/hooks.ts";
import type { World } from "../world/world.ts";
import type { Facts } from "./facts.ts";

/** A hook is called: for one thing always under one key, and with the same words. */
export function watchHookCall(world: World, facts: Facts, { key, input }: HookCalled): void {
  const { tool_call_id, request_ids, ...told } = input.payload as {
    tool_call_id?: string;
    request_ids?: string[];
    [told: string]: unknown;
  };
  // What rules say of a call may change between two attempts to ask.
  const verdict = isVerdict(input.event) ? JSON.stringify(told) : "";
  const about = `${input.event} ${input.run_id} ${tool_call_id ?? request_ids?.join(" ")} ${verdict}`;
  const known = facts.hooks.keys.get(about);
  if (known !== undefined && known !== key) {
    world.violate("hooks", `${about} is called under ${known} and ${key}`);
  }
  facts.hooks.keys.set(about, key);
  const before = facts.hooks.inputs.get(key);
  const words = JSON.stringify(input);
  if (before !== undefined && before !== words) world.violate("hooks", `${about} is called in other words`);
  world.mark(before === undefined ? `hook called: ${input.event}` : "hook called again");
  facts.hooks.inputs.set(key, words);
}

function isVerdict(event: HookCalled["input"]["event"]): boolean {
  return event === "permission_request" || event === "permission_denied";
}

/** What hooks said counts once, is what they said, and a failure of theirs is kept in the same commit. */
export function onHooksCalled(
  world: World,
  facts: Facts,
  data: SessionEvents["hooks_called"],
  ops: readonly Op[],
): void {
  const { event, invocation_key: key, call_id: call = "", outcome } = data;
  const { hooks } = facts;
  if (hooks.counted.has(key)) world.violate("hooks", `${event} of ${call} counts twice`);
  hooks.counted.add(key);
  if (!hooks.inputs.has(key)) world.violate("hooks", `${event} of ${call} was decided, and nobody was asked`);
  const blocks = outcome.decision === "block";
  const failed = blocks && outcome.stop_reason?.includes("failed after") === true;
  const letters = ops.filter((op) => op.op === "put" && op.kind === "hook_dead_letter").length;
  if (failed && letters === 0) world.violate("hooks", `${event} of ${call} failed without a dead letter`);
  if (failed) world.mark("hook failed closed");
  const { seed } = world.plan;
  if (event === "pre_tool_use") {
    const guard = guardPlan(seed, call);
    const must = guard === "block" || guard === "down";
    if (must && !blocks) world.violate("hooks", `${call} passes a guard that says ${guard}`);
    // In a storm any guard may be too late.
    if (!must && blocks && !failed)
      world.violate("hooks", `${call} is blocked by a guard that says ${guard}`);
    hooks.guards.set(call, blocks);
    world.mark(`guard: ${guard}`);
  }
  if (event === "permission_request" && outcome.permission !== undefined) {
    if (permissionPlan(seed, call) !== outcome.permission) {
      world.violate("hooks", `${call} is decided as ${outcome.permission}, which no hook said`);
    }
    if (outcome.permission === "allow") hooks.allowed.add(call);
    world.mark(`hook decided: ${outcome.permission}`);
  }
}

/** Nothing leaves that a guard did not let pass. */
export function checkGuard(world: World, facts: Facts, tool: string, call: string): void {
  if (world.plan.hooks === undefined || !GUARDED.has(tool)) return;
  const blocked = facts.hooks.guards.get(call);
  if (blocked === false) return;
  world.violate("hooks", `${tool} ${call} leaves ${blocked ? "though it is blocked" : "past its guard"}`);
}

/** What was announced is called, and nothing of it is left. */
export async function checkHooks(world: World, facts: Facts, store: Store): Promise<void> {
  for (const key of facts.hooks.announced) {
    if (!facts.hooks.inputs.has(key)) world.violate("hooks", `${key} was announced, and nobody was called`);
  }
  const due = await store.nextDueAt("hook");
  if (due !== undefined) world.violate("hooks", "a hook is still to be called when all is over");
  const dead = await store.deadLetters("hook", 1);
  if (dead.length > 0) world.violate("hooks", `the queue has a dead letter: ${JSON.stringify(dead)}`);
}
