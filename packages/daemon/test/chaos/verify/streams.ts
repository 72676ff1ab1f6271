import type { SessionEventLog, StreamEvent } from "@kheish/contract";
import { type Following, type Frame, follow } from "../../support/follow.ts";
import { within } from "../within.ts";
import type { Findings } from "./findings.ts";

/** A stream that was followed for the whole time. */
export interface Followed {
  name: string;
  following: Following;
  /** Whether a frame of the daemon's own stream belongs to this one. */
  carries: (event: StreamEvent) => boolean;
}

const CATCH_UP_WITHIN_MS = 60_000;
const RUN_FRAMES = ["trace", "output", "run_updated"];

export const everything = (): boolean => true;
export const ofSession = (sessionId: string) => (event: StreamEvent) => sessionOf(event) === sessionId;
export const ofRun = (runId: string) => (event: StreamEvent) =>
  RUN_FRAMES.includes(event.type) && runOf(event) === runId;

/**
 * Holds what was followed through all the restarts against one fresh reading from the beginning, and that one
 * against the sessions' own histories: one event, one frame.
 */
export async function checkStreams(
  baseUrl: string,
  head: string,
  followed: readonly Followed[],
  logs: readonly SessionEventLog[],
  findings: Findings,
): Promise<void> {
  const fresh = follow(`${baseUrl}/v1/events/stream?cursor=0`, undefined, BigInt(head));
  await within(CATCH_UP_WITHIN_MS, "a fresh reading of all events", fresh.last);
  checkOrder("a fresh reading", idsOf(fresh.frames), findings);
  for (const { name, following, carries } of followed) {
    const expected = idsOf(fresh.frames.filter((frame) => carries(frame.data as StreamEvent)));
    const last = expected.at(-1);
    if (last !== undefined)
      await within(CATCH_UP_WITHIN_MS, `${name} to catch up`, following.reached(last)).catch(() => undefined);
    const delivered = idsOf(following.frames);
    checkOrder(name, delivered, findings);
    const seen = new Set(delivered);
    for (const id of expected) if (!seen.has(id)) findings.add("gaps", `${name} never delivered event ${id}`);
  }
  checkHistories(fresh.frames, logs, findings);
}

function checkOrder(name: string, ids: readonly bigint[], findings: Findings): void {
  const seen = new Set<bigint>();
  for (const [index, id] of ids.entries()) {
    if (seen.has(id)) findings.add("duplicates", `${name} delivered event ${id} twice`);
    else if (id < (ids[index - 1] ?? id)) findings.add("gaps", `${name} delivered event ${id} too late`);
    seen.add(id);
  }
}

/** A session's n-th frame is its n-th event: traces say their number, and none is missing up to the last known one. */
function checkHistories(
  frames: readonly Frame[],
  logs: readonly SessionEventLog[],
  findings: Findings,
): void {
  const bySession = Map.groupBy(
    frames.filter((frame) => frame.id !== undefined).map((frame) => frame.data as StreamEvent),
    sessionOf,
  );
  for (const { session, run_events } of logs) {
    const { session_id: sessionId, journal } = session;
    const shown = bySession.get(sessionId) ?? [];
    const last = Math.max(0, ...journal.map(({ offset }) => offset), ...run_events.map(({ seq }) => seq));
    for (let missing = shown.length; missing < last; missing++)
      findings.add("gaps", `session ${sessionId} has ${last} events, its streams show ${shown.length}`);
    const moved = shown.findIndex((event, index) => event.type === "trace" && event.trace.seq !== index + 1);
    if (moved >= 0) findings.add("gaps", `session ${sessionId}: frame ${moved + 1} shows another event`);
  }
}

function idsOf(frames: readonly Frame[]): bigint[] {
  return frames.flatMap((frame) => (frame.id === undefined ? [] : [BigInt(frame.id)]));
}

function sessionOf(event: StreamEvent): string | undefined {
  if (event.type === "trace") return event.trace.session_id;
  if (event.type === "run_updated") return event.run.session_id;
  if (event.type === "output") return event.output.session_id;
  return "session_id" in event ? event.session_id : undefined;
}

function runOf(event: StreamEvent): string | undefined {
  if (event.type === "trace") return event.trace.run_id;
  if (event.type === "run_updated") return event.run.run_id;
  return event.type === "output" ? event.output.run_id : undefined;
}
