import type { StreamFrame, Trace } from "@kheish/sdk";

/** One line of a conversation. */
export interface Line {
  key: string;
  who: "you" | "agent" | "tool";
  text: string;
}

/** What was said, and what is being said just now. */
export interface Conversation {
  lines: Line[];
  /** The text of the turn that is being written; no history yet. */
  writing: { runId: string; turn: number; text: string } | undefined;
}

export const EMPTY: Conversation = { lines: [], writing: undefined };

interface Part {
  type: string;
  text?: string;
  name?: string;
  input?: unknown;
}

/** The conversation after more events of the session's stream. */
export function afterAll(conversation: Conversation, frames: readonly StreamFrame[]): Conversation {
  const lines = [...conversation.lines];
  let { writing } = conversation;
  for (const { id, data } of frames) {
    if (data.type === "output_delta" && data.part === "text") {
      const isSame = writing?.runId === data.run_id && writing.turn === data.turn;
      const text = (isSame ? (writing?.text ?? "") : "") + data.text;
      writing = { runId: data.run_id, turn: data.turn, text };
    }
    // The run moved while a turn was being written: the turn was cut off, and is written anew or not at all.
    if (data.type === "run_updated" && data.run.run_id === writing?.runId) writing = undefined;
    const message = data.type === "trace" ? messageOf(data.trace) : undefined;
    if (message === undefined) continue;
    const who = message.role === "user" ? "you" : "agent";
    // The message is whole now: what was shown of it while it was written has served.
    if (who === "agent") writing = undefined;
    lines.push(...message.parts.flatMap((part, index) => lineOf(part, who, `${id}-${index}`)));
  }
  return { lines, writing };
}

interface Message {
  role: "user" | "assistant";
  synthetic?: boolean;
  parts: Part[];
}

/** What somebody said; the daemon's own words to the model are no part of the conversation. */
function messageOf({ kind, data }: Trace): Message | undefined {
  if (kind !== "input_received" && kind !== "message_appended") return undefined;
  const { message } = data as unknown as { message?: Message };
  return message?.synthetic === true ? undefined : message;
}

function lineOf(part: Part, who: "you" | "agent", key: string): Line[] {
  if (part.type === "text" && part.text !== "") return [{ key, who, text: part.text ?? "" }];
  if (part.type === "tool_call")
    return [{ key, who: "tool", text: `${part.name} ${JSON.stringify(part.input)}` }];
  return [];
}
