import type { HookInput, Json } from "@kheish/contract";
import type { EffectClass, Tool, ToolOutcome } from "../../src/engine/index.ts";

/** The outside world of a test: it keeps its own ledger of what was really done to it. */
export class OutsideWorld {
  readonly done: { tool: string; key: string; input: Json; incarnation: number }[] = [];
  /** What `callback` hooks were called with. */
  readonly hookCalls: HookInput[] = [];
  /** Processes that are gone; what they were about to do does not happen. */
  readonly dead = new Set<number>();

  count(tool: string, input: Json): number {
    return this.done.filter((one) => one.tool === tool && JSON.stringify(one.input) === JSON.stringify(input))
      .length;
  }

  /** One tool of each effect class, a gated one that needs approval, and one that asks. */
  tools(incarnation: number): Tool[] {
    return [
      this.#effect("effect_read", "read", incarnation),
      this.#effect("effect_idempotent", "idempotent", incarnation),
      this.#effect("effect_once", "once", incarnation),
      // `bash` asks for approval under the default rules.
      this.#effect("bash", "once", incarnation),
      this.#ask(incarnation),
    ];
  }

  #effect(name: string, effect: EffectClass, incarnation: number): Tool {
    return tool(name, effect, effect === "read", async (input, context) => {
      if (this.dead.has(incarnation)) return new Promise(() => undefined);
      this.done.push({ tool: name, key: context.idempotency_key, input, incarnation });
      return { kind: "result", output: { did: name, input }, is_error: false };
    });
  }

  #ask(incarnation: number): Tool {
    return tool("ask_user_question", "idempotent", false, async () => {
      if (this.dead.has(incarnation)) return new Promise(() => undefined);
      const options = ["Yes", "No"].map((label, index) => ({ id: `option-${index + 1}`, label }));
      return {
        kind: "ask",
        questions: [{ id: "question-1", header: "Go on", question: "Go on?", options, multi_select: false }],
      };
    });
  }
}

function tool(
  name: string,
  effect: EffectClass,
  allowsParallel: boolean,
  execute: (input: Json, context: Parameters<Tool["execute"]>[1]) => Promise<ToolOutcome>,
): Tool {
  return {
    name,
    description: name,
    input_schema: { type: "object" },
    effect,
    timeoutMs: 60_000,
    sandbox: "inherited",
    allowsParallel,
    parse: (input) => ({ ok: true, input }),
    execute,
  };
}
