import { isTerminal, type RunView, StreamEvent } from "@kheish/contract";
import type { StreamFrame } from "../client/follow.ts";
import { compactJson, type Style } from "../output/output.ts";
import { oneLine, truncate } from "../output/text.ts";
import { timeOfDay } from "../output/time.ts";
import { logText } from "./log.ts";
import { paintStatus, statusText } from "./status-color.ts";

const NAME_WIDTH = 22;

/** A frame as one line; nothing for what is no event of its own: heartbeats and partial tokens. */
export function frameLine(frame: StreamFrame, style: Style): string | undefined {
  if (frame.event === "heartbeat" || frame.event === "output_delta") return undefined;
  const { colors, columns, now } = style;
  const event = streamEvent(frame);
  const head = `${timeOfDay(momentOf(event) ?? now)}  ${oneLine(frame.event).padEnd(NAME_WIDTH)}`;
  const text = event === undefined ? compactJson(frame.data) : eventText(event);
  const detail = truncate(oneLine(text), Math.max(1, columns - head.length - 1));
  const painted = event?.type === "run_updated" ? paintStatus(detail, event.run.status, colors) : detail;
  return `${colors.dim(head)} ${painted}`;
}

/** When it happened, which is not now when a stream is replayed. */
function momentOf(event: StreamEvent | undefined): number | undefined {
  if (event?.type === "trace") return event.trace.timestamp_ms;
  if (event?.type === "log") return event.log.timestamp_ms;
  return event?.type === "run_updated" ? event.run.updated_at_ms : undefined;
}

/** The event in a frame; undefined for a type that this version does not know. */
export function streamEvent({ data }: StreamFrame): StreamEvent | undefined {
  const checked = StreamEvent.safeParse(data);
  return checked.success ? checked.data : undefined;
}

/** The run in a frame that brings one; it ends the run's stream when it is terminal. */
export function updatedRun(frame: StreamFrame): RunView | undefined {
  const event = streamEvent(frame);
  return event?.type === "run_updated" ? event.run : undefined;
}

export function endsRun(frame: StreamFrame): boolean {
  const run = updatedRun(frame);
  return run !== undefined && isTerminal(run.status);
}

function eventText(event: StreamEvent): string {
  switch (event.type) {
    case "trace":
      return `${event.trace.kind} ${compactJson(event.trace.data)}`;
    case "session_state_changed":
      return `${event.session_id} ${statusText(event.status)}`;
    case "session_snapshot":
      return `${event.session_id} ${statusText(event.snapshot.agent.status)}`;
    case "session_goal_updated":
      return event.goal === null
        ? `${event.session_id} no goal`
        : `${event.session_id} ${event.goal.status}: ${event.goal.objective}`;
    case "output":
      return event.output.content;
    case "run_updated":
      return `${event.run.run_id} ${statusText(event.run.status)} ${event.run.error ?? ""}`;
    case "interrupted":
      return event.session_id;
    case "runtime_updated":
      return `revision ${event.runtime.config.revision}, ${event.runtime.permission_mode}`;
    case "stream_gap":
      return `${event.skipped_is_estimate ? "about " : ""}${event.skipped} events skipped (${event.reason})`;
    case "log":
      return logText(event.log);
    case "heartbeat":
    case "output_delta":
      return "";
  }
}
