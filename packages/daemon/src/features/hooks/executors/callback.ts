import type { HookInput, Json } from "@kheish/contract";
import { type Attempt, failed, type HookCaller } from "./executor.ts";

/** A function of the process that embeds the daemon; what it answers is an outcome, nothing is no opinion. */
export type HookCallback = (input: HookInput, options: { signal: AbortSignal }) => Promise<Json | undefined>;

export function callbackCaller(callbacks: ReadonlyMap<string, HookCallback>): HookCaller<"callback"> {
  return async ({ executor, input, signal }): Promise<Attempt> => {
    const callback = callbacks.get(executor.name);
    if (callback === undefined) return failed("invalid_request", "no callback has this name");
    try {
      const value = await callback(input, { signal });
      return value === undefined ? { kind: "text", text: "" } : { kind: "value", value };
    } catch (error) {
      return failed("internal", `the callback threw ${error instanceof Error ? error.name : "something"}`, {
        retryable: true,
      });
    }
  };
}
