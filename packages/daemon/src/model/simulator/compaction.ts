import { type Message, textOf } from "../../engine/messages.ts";
import { say, type Turn } from "./turn.ts";

const QUOTED_CHARACTERS = 200;

/** The simulator's summary of a conversation: counted, not understood, and the same for the same messages. */
export function summarise(messages: readonly Message[]): Turn {
  const inputs = messages.flatMap((message) =>
    message.role === "user" && message.synthetic !== true ? [quote(textOf(message))] : [],
  );
  const answers = messages.filter((message) => message.role === "assistant").length;
  const tools = messages.flatMap((message) =>
    message.role === "tool" ? message.results.map((result) => result.tool_name) : [],
  );
  const lines = [
    `${messages.length} messages, ${answers} of them answers of the model.`,
    `Tools used: ${tools.length === 0 ? "none" : [...new Set(tools)].sort().join(", ")}.`,
    "User messages:",
    ...(inputs.length === 0 ? ["- none"] : inputs.map((input) => `- ${input}`)),
  ];
  return say(`<scratch>Counted by the simulator.</scratch>\n<summary>\n${lines.join("\n")}\n</summary>`);
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > QUOTED_CHARACTERS ? `${line.slice(0, QUOTED_CHARACTERS)}…` : line;
}
