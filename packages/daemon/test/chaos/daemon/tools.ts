import { z } from "zod";
import type { EffectClass, Reconciled, Tool, ToolContext, ToolOutcome } from "../../../src/engine/index.ts";
import { defineTool } from "../../../src/tools/define.ts";
import { AnswerLost, askWorld } from "../outside/ask-world.ts";
import type { Demand } from "../outside/tool-server.ts";

/** What the chaos daemon is told about the world it acts on. */
export interface World {
  url: string;
  incarnation: number;
}

const Input = z.strictObject({ label: z.string(), hold: z.boolean().default(false) });
type Input = z.output<typeof Input>;
type Answer = { label: string; serial: number } | { refused: true };
type ReadBack = { applied: true; label: string; serial: number } | { applied: false };

const MOST_QUESTIONS = 30;

/** One tool of each effect class, all of which act on the tool server, and one that does not stop when told to. */
export function chaosTools(world: World): Tool[] {
  return [
    tool("chaos_read", "read", (input, context) => askAgain(world, "chaos_read", input, context)),
    tool("chaos_idempotent", "idempotent", (input, context) =>
      askAgain(world, "chaos_idempotent", input, context),
    ),
    tool("chaos_once", "once", async (input, context) => {
      try {
        return answered(await act(world, "chaos_once", input, context));
      } catch (error) {
        return unknown(error);
      }
    }),
    tool(
      "chaos_checked",
      "once",
      async (input, context) => {
        try {
          return answered(await act(world, "chaos_checked", input, context));
        } catch (error) {
          const read = await readBack(world, context).catch((): Reconciled => ({ kind: "unknown" }));
          return read.kind === "applied" ? succeeded(read.output) : unknown(error);
        }
      },
      (_input, context) => readBack(world, context),
    ),
    tool("chaos_deaf", "once", async (input, context) => {
      await act(world, "chaos_deaf", { ...input, hold: false }, context);
      return new Promise(() => undefined);
    }),
  ];
}

function tool(
  name: string,
  effect: EffectClass,
  execute: (input: Input, context: ToolContext) => Promise<ToolOutcome>,
  reconcile?: (input: Input, context: ToolContext) => Promise<Reconciled>,
): Tool {
  return defineTool({
    name,
    description: `Acts on the world outside (${effect}).`,
    schema: Input,
    effect,
    timeoutMs: 120_000,
    sandbox: "inherited",
    allowsParallel: true,
    execute,
    ...(reconcile === undefined ? {} : { reconcile }),
  });
}

function act(world: World, name: string, input: Input, context: ToolContext): Promise<Answer> {
  const demand: Demand = {
    tool: name,
    ...input,
    key: context.idempotency_key,
    incarnation: world.incarnation,
    once_per_key: name === "chaos_idempotent",
  };
  return askWorld(`${world.url}/do`, demand, context.signal);
}

/** A lost answer is asked for again with the same key, which changes nothing. */
async function askAgain(
  world: World,
  name: string,
  input: Input,
  context: ToolContext,
): Promise<ToolOutcome> {
  for (let question = 1; ; question++) {
    try {
      return answered(await act(world, name, input, context));
    } catch (error) {
      if (context.signal.aborted || question === MOST_QUESTIONS) return unknown(error);
    }
  }
}

async function readBack(world: World, context: ToolContext): Promise<Reconciled> {
  const question = { key: context.idempotency_key, incarnation: world.incarnation };
  for (let asked = 1; ; asked++) {
    try {
      const read = await askWorld<ReadBack>(`${world.url}/read-back`, question, context.signal);
      if (!read.applied) return { kind: "not_applied" };
      return { kind: "applied", output: { label: read.label, serial: read.serial } };
    } catch (error) {
      if (context.signal.aborted || asked === MOST_QUESTIONS) throw error;
    }
  }
}

function answered(answer: Answer): ToolOutcome {
  if (!("refused" in answer)) return succeeded(answer);
  return {
    kind: "result",
    output: { error: "refused: somebody else acts with this key now" },
    is_error: true,
  };
}

function succeeded(
  output: { label: string; serial: number } | Extract<Reconciled, { kind: "applied" }>["output"],
) {
  return { kind: "result" as const, output, is_error: false };
}

/** What a tool that may act only once says when it cannot know: it does not send again, and it does not guess. */
function unknown(error: unknown): ToolOutcome {
  if (!(error instanceof AnswerLost)) throw error;
  const output = { error: error.message, outcome: "unknown", detail: String(error.cause) };
  return { kind: "result", output, is_error: true };
}
