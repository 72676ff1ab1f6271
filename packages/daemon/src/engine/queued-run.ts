import type { RunRecord, SessionRecord } from "./records.ts";
import { ZERO_USAGE } from "./usage.ts";

/** What a run is asked for, by whom, and where it goes. */
export type RunOrder = Pick<
  RunRecord,
  "run_id" | "kind" | "route" | "generation" | "reply_targets" | "principal"
> &
  Partial<Pick<RunRecord, "input_metadata" | "completion_requirements">> & {
    request: Omit<RunRecord["request"], "provider" | "model">;
  };

/** A run as it is accepted: it keeps what its session and its route are now, and nothing has come of it yet (01-R16). */
export function queuedRun(session: SessionRecord, now: number, { request, ...order }: RunOrder): RunRecord {
  const { route_id, model } = order.route;
  return {
    ...order,
    session_id: session.session_id,
    agent_id: session.agent_id,
    status: "queued",
    submitted_at_ms: now,
    updated_at_ms: now,
    request: { ...request, provider: route_id, model },
    ...(session.output_contract === undefined ? {} : { output_contract: session.output_contract }),
    pending_approval_ids: [],
    pending_question_ids: [],
    accepted_seq: 0,
    output_seqs: [],
    usage: ZERO_USAGE,
  };
}
