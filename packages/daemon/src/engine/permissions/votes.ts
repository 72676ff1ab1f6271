import { type ApprovalResolution, problem } from "@kheish/contract";
import type { ApprovalRecord, Kept } from "../records.ts";
import type { Decider } from "./remember.ts";

/**
 * A rule may want several people to allow a call. Each is counted once, by the principal of their token, and all of them
 * have to allow the same: the same input, remembered likewise. One who denies is enough at any time.
 */
function needed({ data: { request } }: Kept<"approval">, { behavior }: ApprovalResolution): number {
  return behavior === "allow" ? (request.required_approvals ?? 1) : 1;
}

/** Whether this answer decides. Throws where it contradicts those who have allowed it before. */
export function isEnough(
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
  principal: string,
  digest: string,
): boolean {
  const others = earlierVotes(approval, resolution, principal, digest);
  return others + 1 >= needed(approval, resolution);
}

function earlierVotes(
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
  principal: string,
  digest: string,
): number {
  const { votes = [] } = approval.data;
  if (needed(approval, resolution) === 1) return 0;
  const other = votes.find((vote) => vote.digest !== digest);
  if (other !== undefined) {
    throw problem(
      "approvals",
      "approval_state_conflict",
      `${other.by} has allowed '${approval.id}' otherwise; allow the same input, or deny it`,
    );
  }
  return votes.filter(({ by }) => by !== principal).length;
}

/** The record with one more who allows it; undefined where the answer decides, or its author has given it before. */
export function voteOf(
  approval: Kept<"approval">,
  resolution: ApprovalResolution,
  principal: string,
  digest: string,
  nowMs: number,
):
  | {
      record: ApprovalRecord;
      said: { request_id: string; approved_by: string[]; required_approvals: number };
    }
  | undefined {
  if (isEnough(approval, resolution, principal, digest)) return undefined;
  const { votes = [], request } = approval.data;
  if (votes.some(({ by }) => by === principal)) return undefined;
  const cast = [...votes, { by: principal, digest, at_ms: nowMs }];
  const approvedBy = cast.map(({ by }) => by);
  return {
    record: { ...approval.data, votes: cast, request: { ...request, approved_by: approvedBy } },
    said: {
      request_id: approval.id,
      approved_by: approvedBy,
      required_approvals: needed(approval, resolution),
    },
  };
}

/** What was escalated may be allowed only by who may change the session's rules; anyone may still deny it. */
export function refuseUnlessRaised(
  { id, data: { request, session_id } }: Kept<"approval">,
  { behavior }: ApprovalResolution,
  { mayRule }: Decider,
): void {
  if (request.escalated_at_ms === undefined || behavior === "deny" || mayRule(session_id)) return;
  throw problem(
    "auth",
    "insufficient_access",
    `'${id}' was escalated: to allow it needs admin on the rules of session '${session_id}'`,
  );
}
