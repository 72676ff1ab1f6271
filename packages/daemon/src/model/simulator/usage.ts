import type { AssistantPart, Message, Usage, UserPart } from "../../engine/messages.ts";

const CHARACTERS_PER_TOKEN = 4;

/** Messages do not change once written: a long run counts each once. */
const counted = new WeakMap<Message, number>();

/** Tokens as the simulator reports them: characters/4, rounded up. */
export function countUsage(
  system: string,
  messages: readonly Message[],
  answer: readonly AssistantPart[],
): Usage {
  const input = messages.reduce((sum, message) => sum + charactersOf(message), system.length);
  return { input_tokens: tokens(input), output_tokens: tokens(charactersOfParts(answer)) };
}

function tokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

function charactersOf(message: Message): number {
  const known = counted.get(message);
  if (known !== undefined) return known;
  const characters =
    message.role === "tool"
      ? message.results.reduce((sum, result) => sum + JSON.stringify(result.output).length, 0)
      : charactersOfParts(message.parts);
  counted.set(message, characters);
  return characters;
}

function charactersOfParts(parts: readonly (AssistantPart | UserPart)[]): number {
  let characters = 0;
  for (const part of parts) {
    if (part.type === "tool_call") characters += part.name.length + JSON.stringify(part.input).length;
    else if (part.type === "file") characters += part.file_name.length + part.media_type.length;
    else characters += part.text.length;
  }
  return characters;
}
