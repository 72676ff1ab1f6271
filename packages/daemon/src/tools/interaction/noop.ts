import { z } from "zod";
import type { Tool } from "../../engine/ports.ts";
import { defineTool } from "../define.ts";
import { success } from "../outcome.ts";

const MAX_BYTES = 1024 * 1024;

const NoopInput = z.strictObject({
  bytes: z.int().min(0).max(MAX_BYTES).default(0).describe("How many bytes of padding to return."),
});

/**
 * Touches nothing: what is left of a call is what the runtime around it costs. The simulator calls it by name; no model
 * is shown it.
 */
export function noopTool(): Tool {
  const noop = defineTool({
    name: "noop",
    description: "Does nothing and returns padding of the given size. For load tests.",
    schema: NoopInput,
    effect: "read",
    timeoutMs: 10_000,
    sandbox: "inherited",
    allowsParallel: true,
    async execute({ bytes }) {
      return success({ bytes, padding: "x".repeat(bytes) });
    },
  });
  return { ...noop, unlisted: true };
}
