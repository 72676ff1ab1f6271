import type { RunEvent, RunEventEntry } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { timeOfDay } from "../output/time.ts";
import { targetText } from "./run.ts";

export function runEventTable(entries: readonly RunEventEntry[], style: Style): string {
  if (entries.length === 0) return "No events.";
  return table(
    entries,
    [
      { title: "SEQ", value: (entry) => entry.seq },
      { title: "TIME", value: (entry) => timeOfDay(entry.timestamp_ms) },
      { title: "EVENT", value: (entry) => entry.event.type, keep: true },
      { title: "DETAIL", value: (entry) => eventDetail(entry.event) },
    ],
    style,
  );
}

function eventDetail(event: RunEvent): string | undefined {
  switch (event.type) {
    case "queued":
      return `position ${event.position}`;
    case "waiting_for_approval":
    case "waiting_for_user_question":
      return event.request_ids.join(", ");
    case "approval_resolved":
      return event.resolutions.map(({ request_id, behavior }) => `${request_id}: ${behavior}`).join(", ");
    case "user_question_resolved":
      return `${event.resolution.request_id}: ${event.resolution.declined ? "declined" : "answered"}`;
    case "output":
      return event.output.content;
    case "resumed":
      return `attempt ${event.attempt}`;
    case "fallback":
      return `${targetText(event.from)} -> ${targetText(event.to)} (${event.error_class})`;
    case "failed":
      return event.error;
    case "interrupted":
    case "cancelled":
      return event.reason;
    case "accepted":
    case "started":
    case "completed":
      return undefined;
  }
}
