import { type Binding, type BoundRequest, bind, param, type Reply } from "../binding.ts";
import type { EventStreams, StreamOptions } from "./streams.ts";
import type { StreamScope } from "./subscribers.ts";

export function eventBindings(streams: EventStreams): Binding[] {
  const open = async (
    scope: StreamScope,
    request: { query: StreamOptions; lastEventId?: string; signal: AbortSignal },
  ): Promise<Reply> => {
    const { cursor, until, snapshot } = request.query;
    const options = { cursor, until, snapshot, lastEventId: request.lastEventId };
    return { status: 200, stream: await streams.open(scope, options, request.signal) };
  };
  const id = (request: Pick<BoundRequest, "params">, name: string) => param(request, name);
  return [
    bind("eventsStream", (request) => {
      const { session_id: sessionId, run_id: runId } = request.query;
      const scope: StreamScope = {
        kind: "global",
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(runId === undefined ? {} : { runId }),
      };
      return open(scope, request);
    }),
    bind("sessionStream", (request) =>
      open({ kind: "session", sessionId: id(request, "session_id") }, request),
    ),
    bind("runStream", (request) => open({ kind: "run", runId: id(request, "run_id") }, request)),
  ];
}
