import type { Json } from "@kheish/contract";
import type { ToolResult } from "../../engine/messages.ts";
import { describeInput } from "./conversation.ts";
import type { SceneContext } from "./scenario.ts";
import type { Turn } from "./turn.ts";

const PLACEHOLDER = /\{\{([a-z_]+)(?::([^{}]+))?\}\}/g;

/** The turn with its placeholders replaced, once: what a tool printed is never read as a placeholder (09-S4). */
export function fillTurn(turn: Turn, context: SceneContext): Turn {
  const fill = (text: string) =>
    text.replace(
      PLACEHOLDER,
      (match, name: string, argument?: string) => substitute(name, argument, context) ?? match,
    );
  return {
    ...turn,
    text: fill(turn.text),
    tool_calls: turn.tool_calls.map((call) => ({ ...call, input: fillJson(call.input, fill) })),
  };
}

/** A tool's output as text: strings as they are, everything else as compact JSON. */
export function outputText(result: ToolResult): string {
  return typeof result.output === "string" ? result.output : JSON.stringify(result.output);
}

function substitute(name: string, argument: string | undefined, context: SceneContext): string | undefined {
  const { results, turn, input } = context.conversation;
  if (name === "tool_output" && argument !== undefined) {
    const named = results.findLast((result) => result.call_id === argument);
    return named === undefined ? undefined : outputText(named);
  }
  if (argument !== undefined) return undefined;
  switch (name) {
    case "last_tool_output": {
      const last = results.at(-1);
      return last === undefined ? undefined : outputText(last);
    }
    case "input_text":
      return input === undefined ? undefined : describeInput(input);
    case "run_id":
      return context.run_id;
    case "session_id":
      return context.session_id;
    case "turn":
      return String(turn);
    default:
      return undefined;
  }
}

function fillJson(value: Json, fill: (text: string) => string): Json {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return value.map((item) => fillJson(item, fill));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillJson(item, fill)]));
}
