import type { Json } from "@kheish/contract";
import type { Tool, ToolContext, ToolOutcome } from "../../src/engine/index.ts";

/** A tool that echoes its input; a test replaces what it is about. */
export function testTool(name: string, parts: Partial<Omit<Tool, "name">> = {}): Tool {
  return {
    name,
    description: name,
    input_schema: { type: "object" },
    effect: "read",
    timeoutMs: 60_000,
    sandbox: "inherited",
    allowsParallel: false,
    parse: (input) => ({ ok: true, input }),
    execute: async (input) => succeeded({ echo: input }),
    ...parts,
  };
}

type Result = Extract<ToolOutcome, { kind: "result" }>;

export function succeeded(output: Json): Result {
  return { kind: "result", output, is_error: false };
}

/** Calls that have begun and end when the test says so. */
export class Gate {
  readonly begun: { input: Json; context: ToolContext }[] = [];
  readonly #doors: PromiseWithResolvers<ToolOutcome>[] = [];

  get execute(): Tool["execute"] {
    return (input, context) => {
      this.begun.push({ input, context });
      const door = Promise.withResolvers<ToolOutcome>();
      this.#doors.push(door);
      return door.promise;
    };
  }

  /** Lets the calls that wait end, oldest first. */
  open(outcome: ToolOutcome = succeeded("through"), count = this.#doors.length): void {
    for (const door of this.#doors.splice(0, count)) door.resolve(outcome);
  }

  fail(error: Error): void {
    for (const door of this.#doors.splice(0)) door.reject(error);
  }
}

/** The tool that parks a run behind a question of one yes or no. */
export function askTool(expiresAtMs?: (context: ToolContext) => number): Tool {
  const options = ["yes", "no"].map((id) => ({ id, label: id }));
  const question = { id: "question-1", header: "Go on", question: "Go on?", options, multi_select: false };
  return testTool("ask_user_question", {
    effect: "idempotent",
    execute: async (_input, context) => ({
      kind: "ask",
      questions: [question],
      ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs(context) }),
    }),
  });
}
