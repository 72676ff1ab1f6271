import type { HookDefinition, HookEvent, HookInput, Json, JsonObject } from "@kheish/contract";
import type { HookCallback } from "../../src/features/hooks/index.ts";
import type { RiggedDaemon } from "../support/rig.ts";

/** Hooks that are functions of the test, and what they were called with. */
export class HookWorld {
  readonly calls: HookInput[] = [];
  #answers = new Map<HookEvent, (input: HookInput, signal: AbortSignal) => Promise<Json | undefined>>();

  /** What the hooks of an event answer from now on; nothing is no opinion. */
  on(
    event: HookEvent,
    answer: (input: HookInput, signal: AbortSignal) => Json | undefined | Promise<Json | undefined>,
  ): this {
    this.#answers.set(event, async (input, signal) => answer(input, signal));
    return this;
  }

  get callbacks(): Record<string, HookCallback> {
    return {
      hook: async (input, { signal }) => {
        this.calls.push(input);
        return this.#answers.get(input.event)?.(input, signal);
      },
    };
  }

  of(event: HookEvent): HookInput[] {
    return this.calls.filter((call) => call.event === event);
  }
}

/** One hook of each of these events, all the same function. */
export function hooksAt(
  events: readonly HookEvent[],
  more: Partial<HookDefinition> = {},
): { hooks: Record<string, object[]> } {
  const hook = { name: "guard", executor: { type: "callback", name: "hook" }, ...more };
  return { hooks: Object.fromEntries(events.map((event) => [event, [hook]])) };
}

export async function setHooks(daemon: RiggedDaemon, settings: object, more: JsonObject = {}) {
  return daemon.call("setHooks", { body: { settings, ...more } });
}

export async function deadLetters(daemon: RiggedDaemon): Promise<JsonObject[]> {
  return (await daemon.call("listHookDeadLetters")).json as unknown as JsonObject[];
}

/** Lets what is announced be called, too: runs may be at rest before. */
export async function settleHooks(daemon: RiggedDaemon, calls: () => number, atLeast: number): Promise<void> {
  await daemon.settle();
  while (calls() < atLeast) await new Promise((resolve) => setImmediate(resolve));
}
