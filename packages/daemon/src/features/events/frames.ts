import type { RuntimeSettingsView, StreamEvent } from "@kheish/contract";
import { type RecordedEvent, read, recorded, runOf, sessionOfStream } from "../../engine/index.ts";
import type { Store, StoredEvent } from "../../kernel/store.ts";
import type { SseFrame } from "../binding.ts";
import { goalAt } from "../goals/index.ts";
import { movesRun, outputRecord, runViewAt } from "../runs/index.ts";
import { agentSnapshot } from "../sessions/index.ts";

/** A trace larger than this would break clients that bound their frames; the journal has it whole. */
const MAX_TRACE_BYTES = 512 * 1024;

/** The stream of daemon-wide changes. */
export const RUNTIME_STREAM = "runtime";

export interface FrameSource {
  store: Store;
  runtime: () => Promise<RuntimeSettingsView>;
}

/**
 * The one frame of a journal event: one event, one frame, one id, so that a cursor can stand between any two.
 * What it shows is derived from the event, live and replayed alike.
 */
export async function frameOf(source: FrameSource, stored: StoredEvent): Promise<SseFrame | undefined> {
  const data = await dataOf(source, stored);
  return data === undefined ? undefined : { id: String(stored.position), event: data.type, data };
}

async function dataOf(source: FrameSource, stored: StoredEvent): Promise<StreamEvent | undefined> {
  if (stored.stream === RUNTIME_STREAM) return { type: "runtime_updated", runtime: await source.runtime() };
  const sessionId = sessionOfStream(stored.stream);
  if (sessionId === undefined) return undefined;
  const event = recorded(stored);
  const runId = runOf(event);
  if (movesRun(event) && runId !== undefined) {
    const run = await read(source.store, "run", runId);
    return run && { type: "run_updated", run: await runViewAt(source.store, run.data, event) };
  }
  return ownFrame(source, sessionId, event);
}

async function ownFrame(
  source: FrameSource,
  sessionId: string,
  event: RecordedEvent,
): Promise<StreamEvent | undefined> {
  switch (event.type) {
    case "output":
      return { type: "output", output: await outputRecord(source.store, sessionId, event) };
    case "goal_set":
    case "goal_moved":
    case "goal_cleared":
      return {
        type: "session_goal_updated",
        session_id: sessionId,
        goal: await goalAt(source.store, sessionId, event),
      };
    case "session_state_changed":
    case "session_interrupted":
    case "session_created":
    case "session_updated":
    case "session_ended":
    case "session_reopened":
      return sessionFrame(source, sessionId, event);
    default:
      return { type: "trace", trace: trace(sessionId, event) };
  }
}

async function sessionFrame(
  source: FrameSource,
  sessionId: string,
  event: RecordedEvent,
): Promise<StreamEvent | undefined> {
  const session = await read(source.store, "session", sessionId);
  if (session === undefined) return undefined;
  const { agent_id } = session.data;
  if (event.type === "session_state_changed") {
    return { type: "session_state_changed", session_id: sessionId, agent_id, ...event.data };
  }
  if (event.type === "session_interrupted") return { type: "interrupted", session_id: sessionId, agent_id };
  return {
    type: "session_snapshot",
    session_id: sessionId,
    snapshot: await agentSnapshot(source.store, session),
  };
}

function trace(sessionId: string, event: RecordedEvent) {
  const { run_id: _run, ...data } = event.data as { run_id?: string } & Record<string, never>;
  const runId = runOf(event);
  const bytes = Buffer.byteLength(JSON.stringify(data));
  return {
    kind: event.type,
    session_id: sessionId,
    ...(runId === undefined ? {} : { run_id: runId }),
    seq: event.seq,
    timestamp_ms: event.atMs,
    data: bytes <= MAX_TRACE_BYTES ? data : { truncated: true, bytes },
  };
}
