import type { RunEventEntry } from "@kheish/sdk";

/** What became of a request, who said so and when. */
export interface Decided {
  verdict: "approved" | "denied" | "answered" | "declined" | "over";
  /** Absent where nobody decided: the run ended before. */
  by?: string;
  atMs: number;
}

/** The decision about a request in the events of its run; undefined while nobody decided. */
export function decisionOn(events: readonly RunEventEntry[], requestId: string): Decided | undefined {
  for (const { event, timestamp_ms: atMs } of events) {
    const by = "decided_by" in event && event.decided_by !== undefined ? { by: event.decided_by } : {};
    if (event.type === "approval_resolved") {
      const said = event.resolutions.find(({ request_id }) => request_id === requestId);
      if (said !== undefined)
        return { verdict: said.behavior === "allow" ? "approved" : "denied", ...by, atMs };
    }
    if (event.type === "user_question_resolved" && event.resolution.request_id === requestId)
      return { verdict: event.resolution.declined ? "declined" : "answered", ...by, atMs };
    if (ENDS.has(event.type)) return { verdict: "over", atMs };
  }
  return undefined;
}

const ENDS = new Set(["completed", "failed", "interrupted", "cancelled"]);

export function decisionText({ verdict, by }: Decided): string {
  if (verdict === "over") return "the run ended before";
  return by === undefined ? verdict : `${verdict} by ${by}`;
}
