import { z } from "zod";
import { SessionGoal } from "./goals.ts";
import { Json, Millis } from "./json.ts";
import { LogEntry } from "./logs.ts";
import { QueryFlag } from "./pagination.ts";
import { DaemonOutputRecord, RunView } from "./runs.ts";
import { RuntimeSettingsView } from "./runtime.ts";
import { AgentSnapshot, SessionStatus } from "./sessions.ts";

/**
 * One engine fact on the trace stream. `kind` is the journal event's type, or `external_action` with an
 * `ExternalActionTrace` as its data: what leaves is told live, without an id, and its history is the audit.
 */
export const Trace = z
  .looseObject({
    kind: z.string(),
    session_id: z.string().optional(),
    run_id: z.string().optional(),
    seq: z.int().optional(),
    timestamp_ms: Millis.optional(),
    data: Json.optional(),
  })
  .meta({ id: "Trace" });
export type Trace = z.infer<typeof Trace>;

/**
 * Data of every SSE frame; the frame's `event` equals `type`.
 * `output_delta`, `heartbeat` and traces of kind `external_action` have no SSE id: they are no history of the stream.
 */
export const StreamEvent = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("trace"), trace: Trace }),
    z.object({
      type: z.literal("session_state_changed"),
      session_id: z.string(),
      agent_id: z.string(),
      status: SessionStatus,
      pending_approvals: z.int(),
      pending_questions: z.int(),
    }),
    z.object({ type: z.literal("session_snapshot"), session_id: z.string(), snapshot: AgentSnapshot }),
    z.object({ type: z.literal("output"), output: DaemonOutputRecord }),
    z.object({ type: z.literal("run_updated"), run: RunView }),
    z.object({
      type: z.literal("session_goal_updated"),
      session_id: z.string(),
      goal: SessionGoal.nullable(),
    }),
    z.object({ type: z.literal("interrupted"), session_id: z.string(), agent_id: z.string() }),
    z.object({ type: z.literal("runtime_updated"), runtime: RuntimeSettingsView }),
    z.object({ type: z.literal("log"), log: LogEntry }),
    z.object({ type: z.literal("heartbeat") }),
    z.object({
      type: z.literal("output_delta"),
      run_id: z.string(),
      session_id: z.string(),
      turn: z.int(),
      part: z.enum(["text", "reasoning"]),
      text: z.string(),
    }),
    z.object({
      type: z.literal("stream_gap"),
      skipped: z.int(),
      resume_after_id: z.string().optional(),
      reason: z.enum(["restart_epoch", "replay_window", "live_lag"]),
      scope: z.enum(["global", "session", "run", "logs"]),
      skipped_is_estimate: z.boolean(),
    }),
  ])
  .meta({ id: "StreamEvent" });
export type StreamEvent = z.infer<typeof StreamEvent>;

export const StreamQuery = z.object({
  cursor: z.string().optional().describe("resume after this event id; 0 = everything"),
  until: z.string().optional().describe("'terminal' ends a run stream with the run"),
  snapshot: QueryFlag.optional().describe("'true' sends the present state first"),
});
export const GlobalStreamQuery = StreamQuery.extend({
  session_id: z.string().optional(),
  run_id: z.string().optional(),
});
