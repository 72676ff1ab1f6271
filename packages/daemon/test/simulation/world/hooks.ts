import type { HookInput, Json } from "@kheish/contract";
import type { HookCallback } from "../../../src/features/hooks/index.ts";
import { DEFAULTS } from "../../../src/features/runtime/config/revision.ts";
import type { Store } from "../../../src/kernel/store.ts";
import type { HookPlan } from "../plan/plan.ts";
import { hash, type Prng } from "./prng.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** Tools whose calls have to pass a guard. */
export const GUARDED: ReadonlySet<string> = new Set(["send", "upsert"]);

/** What a guard thinks of a call: it says so, cannot be reached, or only at the second attempt. */
export type GuardPlan = "allow" | "block" | "down" | "flaky";
const GUARDS: readonly GuardPlan[] = ["allow", "allow", "allow", "flaky", "block", "down"];

export function guardPlan(seed: number, call: string): GuardPlan {
  return GUARDS[hash(seed, `guard ${call}`) % GUARDS.length] ?? "allow";
}

/** Whether a hook decides in the place of a human. */
export function permissionPlan(seed: number, call: string): "allow" | "deny" | undefined {
  return ([undefined, undefined, "allow", "deny"] as const)[hash(seed, `permission ${call}`) % 4];
}

/** As an operator left it: every daemon finds it at its start. */
export function hookSettings(plan: HookPlan | undefined): Json | undefined {
  if (plan === undefined) return undefined;
  const executor = { type: "callback", name: "outside", timeout_ms: plan.timeoutMs };
  const hook = { name: "outside", failure_policy: { max_retries: 1 }, executor };
  const guards = [...GUARDED].map((matcher) => ({ ...hook, name: `guard ${matcher}`, matcher }));
  const hooks = {
    pre_tool_use: guards,
    post_tool_use: [{ ...hook, matcher: "look" }],
    permission_request: [hook],
    notification: [hook],
  };
  return {
    ...DEFAULTS,
    hooks: { hooks },
    revision: 1,
    updated_at_ms: 1,
    source: "runtime_api",
    setting: "hooks",
    history_len: 0,
  } as unknown as Json;
}

export async function setHooks(store: Store, plan: HookPlan | undefined): Promise<void> {
  const data = hookSettings(plan);
  if (data === undefined) return;
  const place = { kind: "runtime_settings", id: "current" };
  await store.commit([{ op: "put", ...place, data, keys: {}, expectedRevision: 0 }]);
}

export interface HookCalled {
  key: string;
  input: HookInput;
}

/** The operator's hooks: they live outside, keep a ledger of how they were called, and take their time. */
export class OutsideHooks {
  readonly calls: HookCalled[] = [];
  onCall: (called: HookCalled) => void = () => undefined;
  readonly #scheduler: Scheduler;
  readonly #prng: Prng;
  readonly #seed: number;
  readonly #toolMs: number;

  constructor(scheduler: Scheduler, prng: Prng, plan: { seed: number; weather: { toolMs: number } }) {
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#seed = plan.seed;
    this.#toolMs = plan.weather.toolMs;
  }

  callback(process: SimulatedProcess): HookCallback {
    const refused = new Set<string>();
    return async (input) => {
      await this.#pause(process);
      const called = { key: input.invocation_key, input };
      this.calls.push(called);
      this.onCall(called);
      await this.#pause(process);
      return this.#answer(input, refused);
    };
  }

  #answer({ event, payload, invocation_key: key }: HookInput, refused: Set<string>): Json {
    const { tool_call_id: call = "" } = payload as { tool_call_id?: string };
    if (event === "post_tool_use") return { additional_contexts: [`noted ${call}`] };
    if (event === "permission_request") {
      const permission = permissionPlan(this.#seed, call);
      return permission === undefined ? {} : { permission };
    }
    if (event !== "pre_tool_use") return {};
    const guard = guardPlan(this.#seed, call);
    if (guard === "down" || (guard === "flaky" && !refused.has(key))) {
      refused.add(key);
      throw new Error("the guard is down");
    }
    return guard === "block" ? { decision: "block", stop_reason: `guarded ${call}` } : {};
  }

  #pause(process: SimulatedProcess): Promise<void> {
    return this.#scheduler.sleep(this.#prng.int(0, this.#toolMs), process, "hook");
  }
}
