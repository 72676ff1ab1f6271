import type { ApprovalRequest } from "@kheish/contract";
import type { Store } from "../kernel/store.ts";
import { type RecordedEvent, recorded, sessionStream } from "./events.ts";
import { type AssistantMessage, textOf, toolCallsOf } from "./messages.ts";
import type { StoredApproval } from "./ports.ts";

/** One event of a session by its seq; a reference that leads nowhere is a broken store. */
export async function eventAt(store: Store, sessionId: string, seq: number): Promise<RecordedEvent> {
  const [stored] = await store.readStream(sessionStream(sessionId), { afterSeq: seq - 1, toSeq: seq });
  if (stored === undefined) throw new Error(`journal of session '${sessionId}' has no event ${seq}`);
  return recorded(stored);
}

async function assistantAt(store: Store, sessionId: string, seq: number): Promise<AssistantMessage> {
  const event = await eventAt(store, sessionId, seq);
  if (event.type !== "message_appended" || event.data.message.role !== "assistant") {
    throw new Error(`event ${seq} of session '${sessionId}' is no assistant message`);
  }
  return event.data.message;
}

/** The text of a stored answer. */
export async function answerText(store: Store, sessionId: string, seq: number): Promise<string> {
  return textOf(await assistantAt(store, sessionId, seq));
}

/** The canonical JSON that a contract made of an answer (01-R34). */
export async function conformedAnswer(store: Store, sessionId: string, seq: number): Promise<string> {
  const event = await eventAt(store, sessionId, seq);
  if (event.type !== "answer_conformed") {
    throw new Error(`event ${seq} of session '${sessionId}' is no conformed answer`);
  }
  return event.data.content;
}

/** Approval requests with the input that would run, which stands in the journal once (01, weakness 7). */
export async function withInputs(
  store: Store,
  sessionId: string,
  messageSeq: number,
  requests: readonly StoredApproval[],
): Promise<ApprovalRequest[]> {
  const calls = new Map(
    toolCallsOf(await assistantAt(store, sessionId, messageSeq)).map((call) => [call.id, call]),
  );
  return requests.map((request) => ({ ...request, input: calls.get(request.tool_call_id)?.input ?? null }));
}
