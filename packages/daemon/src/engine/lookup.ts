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

/** Events of a session by their seqs, in one read; a reference that leads nowhere is a broken store. */
export async function eventsAt(
  store: Store,
  sessionId: string,
  seqs: readonly number[],
): Promise<Map<number, RecordedEvent>> {
  if (seqs.length === 0) return new Map();
  const found = await store.readEvents(sessionStream(sessionId), seqs);
  const events = new Map(found.map((stored) => [stored.seq, recorded(stored)]));
  const lost = seqs.find((seq) => !events.has(seq));
  if (lost !== undefined) throw new Error(`journal of session '${sessionId}' has no event ${lost}`);
  return events;
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

/** What an event says: an answer, or the canonical JSON that a contract made of one (01-R34). */
export function textOfEvent(event: RecordedEvent | undefined): string {
  if (event?.type === "answer_conformed") return event.data.content;
  if (event?.type === "message_appended" && event.data.message.role === "assistant") {
    return textOf(event.data.message);
  }
  throw new Error(`event ${event?.seq} is no answer`);
}

/** Approval requests with the input that would run, which stands in the journal once (01, weakness 7). */
export async function withInputs(
  store: Store,
  sessionId: string,
  messageSeq: number,
  requests: readonly StoredApproval[],
): Promise<ApprovalRequest[]> {
  if (requests.every((request) => request.input !== undefined)) return requests as ApprovalRequest[];
  const calls = new Map(
    toolCallsOf(await assistantAt(store, sessionId, messageSeq)).map((call) => [call.id, call]),
  );
  return requests.map((request) => ({ input: calls.get(request.tool_call_id)?.input ?? null, ...request }));
}
