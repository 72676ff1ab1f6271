import { type Message, type ToolResult, textOf, type UserMessage } from "../../engine/messages.ts";

/** What the simulator knows of a run: all of it stands in the conversation, so that it keeps no state (09-S1). */
export interface Conversation {
  /** Undefined when the input was cut out of the prompt. */
  input: UserMessage | undefined;
  /** Number of assistant messages after the input, those that were cut out of the prompt included. */
  turn: number;
  /** Tool results after the input, oldest first. */
  results: ToolResult[];
}

/** `turnsPlayed` are the run's own: what the engine cut out of the prompt was played all the same. */
export function readConversation(messages: readonly Message[], turnsPlayed = 0): Conversation {
  const at = messages.findLastIndex((message) => message.role === "user" && message.synthetic !== true);
  const message = messages[at];
  const input = message?.role === "user" ? message : undefined;
  let turn = 0;
  const results: ToolResult[] = [];
  for (const later of messages.slice(at + 1)) {
    if (later.role === "assistant") turn++;
    else if (later.role === "tool") results.push(...later.results);
  }
  return { input, turn: Math.max(turn, turnsPlayed), results };
}

/** The words of an input, and what came with them by file name, media type and size. */
export function describeInput(input: UserMessage): string {
  const files = input.parts.flatMap((part) =>
    part.type === "file" ? [`[${part.file_name}: ${part.media_type}, ${part.size_bytes} bytes]`] : [],
  );
  return [textOf(input), ...files].filter((line) => line !== "").join("\n");
}
