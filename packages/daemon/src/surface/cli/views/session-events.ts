import type { JournalEntry, SessionEventLog } from "@kheish/contract";
import type { Style } from "../output/output.ts";
import { table } from "../output/table.ts";
import { timeOfDay } from "../output/time.ts";

/** The journal, one line an entry; the other parts of the log are projections of it. */
export function sessionEventTable(log: SessionEventLog, style: Style): string {
  const { journal } = log.session;
  if (journal.length === 0) return "No events.";
  return table(
    journal,
    [
      { title: "OFFSET", value: (entry) => entry.offset },
      { title: "TIME", value: (entry) => timeOfDay(entry.timestamp_ms) },
      { title: "RUN", value: (entry) => entry.run_id },
      { title: "EVENT", value: (entry) => entry.event.type, keep: true },
      { title: "DETAIL", value: payloadText },
    ],
    style,
  );
}

function payloadText({ event: { type: _type, ...payload } }: JournalEntry): string {
  return Object.keys(payload).length === 0 ? "" : JSON.stringify(payload);
}
