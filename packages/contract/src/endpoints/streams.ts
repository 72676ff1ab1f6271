import { GlobalStreamQuery, StreamEvent, StreamQuery } from "../events.ts";
import { define, run, session } from "./parts.ts";

export const streamsEndpoints = define({
  sessionStream: {
    method: "GET",
    path: `${session}/stream`,
    tag: "streams",
    summary: "Live events of a session",
    access: "read",
    query: StreamQuery,
    kind: "sse",
    responses: { 200: StreamEvent },
  },
  runStream: {
    method: "GET",
    path: `${run}/stream`,
    tag: "streams",
    summary: "Live events of a run",
    access: "read",
    query: StreamQuery,
    kind: "sse",
    responses: { 200: StreamEvent },
  },
  eventsStream: {
    method: "GET",
    path: "/v1/events/stream",
    tag: "streams",
    summary: "Live events of the daemon",
    access: "read",
    query: GlobalStreamQuery,
    kind: "sse",
    narrowed: [
      { from: "query", field: "session_id", resource: "sessions/{session_id}/stream" },
      { from: "query", field: "run_id", resource: "runs/{run_id}/stream" },
    ],
    responses: { 200: StreamEvent },
  },
});
