import type { Json } from "@kheish/contract";
import type { AssistantMessage, Message, ToolCall } from "../../engine/messages.ts";
import { toolCallsOf } from "../../engine/messages.ts";
import type { ModelDelta, ModelOutcome, ModelRequest } from "../../engine/ports.ts";
import type { Driver } from "../driver.ts";
import { answerOf, requestOf } from "./kit.ts";

const ROUTE = { route_id: "simulator", driver: "simulator", model: "script" };

export function simulatorRequest(
  messages: string | Message[],
  more: Partial<ModelRequest> = {},
): ModelRequest {
  return requestOf(ROUTE, messages, more);
}

export async function ask(
  driver: Driver,
  request: ModelRequest,
  signal = new AbortController().signal,
): Promise<{ outcome: ModelOutcome; deltas: ModelDelta[] }> {
  const deltas: ModelDelta[] = [];
  const outcome = await driver.attempt(request, { signal, onDelta: (delta) => deltas.push(delta) });
  return { outcome, deltas };
}

/** What a tool answers in a played run; `undefined` is an error result. */
export type PlayedTool = (call: ToolCall) => Json | undefined;

/** Plays a run to its end: every turn, every tool. Answers the assistant's messages. */
export async function play(
  driver: Driver,
  input: Message,
  tool: PlayedTool,
): Promise<Omit<AssistantMessage, "id">[]> {
  const messages: Message[] = [input];
  const answers: Omit<AssistantMessage, "id">[] = [];
  for (;;) {
    const { outcome } = await ask(driver, simulatorRequest(messages, { turn: answers.length }));
    const message = { ...answerOf(outcome), id: `a${answers.length}` };
    answers.push(message);
    messages.push(message);
    const calls = toolCallsOf(message);
    if (calls.length === 0) return answers;
    messages.push({
      role: "tool",
      results: calls.map((call) => {
        const output = tool(call);
        return {
          call_id: call.id,
          tool_name: call.name,
          output: output ?? "refused",
          is_error: output === undefined,
        };
      }),
    });
  }
}
