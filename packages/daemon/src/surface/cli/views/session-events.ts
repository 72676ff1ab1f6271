import type { JournalEntry, Json, SessionEventLog } from "@kheish/contract";
import { compactJson, type Style } from "../output/output.ts";
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
      { title: "DETAIL", value: detailText },
    ],
    style,
  );
}

/** What a person wants of it in one line; of what has no line of its own, everything. */
function detailText({ event }: JournalEntry): string {
  const { type, message, result, tool_name, attempt } = event as Loose;
  if (type === "input_received" || type === "message_appended") return messageText(message);
  if (type === "tool_call_started")
    return `${tool_name}${attempt !== undefined && attempt > 1 ? `, attempt ${attempt}` : ""}`;
  if (type === "tool_call_finished") return `${result?.tool_name ?? ""}: ${endText(result)}`;
  const { type: _type, ...payload } = event;
  return Object.keys(payload).length === 0 ? "" : JSON.stringify(payload);
}

/** As much of an event as is read here; a later daemon may say it otherwise, and then it is shown whole. */
interface Loose {
  type: string;
  message?: { parts?: { type: string; text?: string; name?: string; input?: Json }[] };
  tool_name?: string;
  attempt?: number;
  result?: { tool_name?: string; is_error?: boolean; output?: Json };
}

function messageText(message: Loose["message"]): string {
  const parts = (message?.parts ?? []).map(({ type, text, name, input }) =>
    type === "tool_call" ? `${name} ${compactJson(input)}` : (text ?? type),
  );
  return parts.join(" ");
}

function endText(result: Loose["result"]): string {
  const { error } = (result?.output ?? {}) as { error?: Json };
  return result?.is_error === true && typeof error === "string" ? error : compactJson(result?.output);
}
