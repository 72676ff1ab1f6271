import type { Store } from "../kernel/store.ts";
import { estimateMessage } from "./context/estimate.ts";
import {
  type Checkpoint,
  type RecordedEvent,
  recorded,
  type SessionEvents,
  sessionStream,
} from "./events.ts";
import { eventAt } from "./lookup.ts";
import type { Kept } from "./records.ts";
import { reduce } from "./reduce.ts";
import { emptyState, newRun, type SessionState } from "./state.ts";

const PAGE = 1_000;

/**
 * Rebuilds a session's state from its journal, starting at the newest checkpoint:
 * the cost follows the prompt, not the history (01, weakness 5).
 */
export async function fold(
  store: Store,
  sessionId: string,
  from: { checkpointSeq?: number; activeRunId?: string },
): Promise<SessionState> {
  const stream = sessionStream(sessionId);
  const state = emptyState();
  if (from.checkpointSeq !== undefined) {
    const [stored] = await store.readStream(stream, {
      afterSeq: from.checkpointSeq - 1,
      toSeq: from.checkpointSeq,
    });
    const event = stored === undefined ? undefined : recorded(stored);
    if (event?.type !== "checkpoint") {
      throw new Error(`journal of session '${sessionId}' has no checkpoint at ${from.checkpointSeq}`);
    }
    state.seq = event.data.checkpoint.head_seq - 1;
    await restoreSkills(store, sessionId, state, event.data.checkpoint);
    if (event.data.run_id === from.activeRunId) await restoreRun(store, sessionId, state, event.data);
  }
  return catchUp(store, sessionId, state);
}

/** The session as its record says: from its newest checkpoint, with its active run. */
export function foldSession(store: Store, session: Kept<"session">): Promise<SessionState> {
  const { checkpoint_seq: checkpointSeq, active_run_id: activeRunId } = session.data;
  return fold(store, session.id, {
    ...(checkpointSeq === undefined ? {} : { checkpointSeq }),
    ...(activeRunId === undefined ? {} : { activeRunId }),
  });
}

/** The run's own start and input lie before the head: the checkpoint says where. */
async function restoreRun(
  store: Store,
  sessionId: string,
  state: SessionState,
  { run_id, checkpoint }: SessionEvents["checkpoint"],
): Promise<void> {
  const { started_seq: startedSeq, input_seq: inputSeq } = checkpoint.run;
  state.run = { ...newRun(run_id, startedSeq), input_seq: inputSeq };
  if (inputSeq >= checkpoint.head_seq) return;
  const input = await eventAt(store, sessionId, inputSeq);
  if (input.type !== "input_received")
    throw new Error(`event ${inputSeq} of session '${sessionId}' is no input`);
  const { message } = input.data;
  state.pinned = { seq: inputSeq, atMs: input.atMs, message, tokens: estimateMessage(message) };
}

/** Skills that began before the head; the others are folded like everything behind it. */
async function restoreSkills(
  store: Store,
  sessionId: string,
  state: SessionState,
  { skills = [], head_seq }: Checkpoint,
): Promise<void> {
  for (const seq of skills.filter((one) => one < head_seq)) {
    const begun = await eventAt(store, sessionId, seq);
    if (begun.type !== "skill_activated")
      throw new Error(`event ${seq} of session '${sessionId}' begins no skill`);
    state.skills.push({ seq, skill: begun.data.skill });
  }
}

/** The session as it was before the first event that `isEnd` names; its present state where there is none. */
export async function foldUntil(
  store: Store,
  sessionId: string,
  isEnd: (event: RecordedEvent) => boolean,
): Promise<{ state: SessionState; found: boolean }> {
  const stream = sessionStream(sessionId);
  let state = emptyState();
  for (;;) {
    const page = await store.readStream(stream, { afterSeq: state.seq, limit: PAGE });
    for (const stored of page) {
      const event = recorded(stored);
      if (isEnd(event)) return { state, found: true };
      state = reduce(state, event);
    }
    if (page.length < PAGE) return { state, found: false };
  }
}

/** Folds what was appended since `state.seq`. */
export async function catchUp(store: Store, sessionId: string, state: SessionState): Promise<SessionState> {
  const stream = sessionStream(sessionId);
  let current = state;
  for (;;) {
    const page = await store.readStream(stream, { afterSeq: current.seq, limit: PAGE });
    for (const stored of page) current = reduce(current, recorded(stored));
    if (page.length < PAGE) return current;
  }
}
