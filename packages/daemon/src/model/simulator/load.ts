import type { JsonObject } from "@kheish/contract";
import { z } from "zod";
import type { Scenario } from "./scenario.ts";
import { say } from "./turn.ts";

/** `{"simulate":"load"}`: `steps` turns of one tool call each, then `done`. */
export const LoadScript = z.strictObject({
  simulate: z.literal("load"),
  steps: z.int().nonnegative(),
  tool: z.enum(["bash", "noop"]).default("bash"),
  /** Size of what the tool answers. */
  bytes: z.int().nonnegative().default(0),
});
type LoadScript = z.output<typeof LoadScript>;

export function loadScenario(script: LoadScript): Scenario {
  return ({ conversation: { turn } }) =>
    turn < script.steps
      ? { ...say(""), tool_calls: [{ name: script.tool, input: inputOf(script) }] }
      : undefined;
}

/** `printf` is a builtin: the shell starts no second process for its output. */
function inputOf({ tool, bytes }: LoadScript): JsonObject {
  if (tool === "noop") return { bytes };
  return { command: bytes === 0 ? "true" : `printf '%0${bytes}d' 0` };
}
