import type { JournalEntry, SessionEventLog } from "@kheish/contract";

/** What the journal proves about the run, read after the fact like any auditor would. */
export interface Evidence {
  /** Calls that were dispatched and had no outcome when a daemon died. */
  inFlight: string[];
  /** Dispatches of an effect that must not be repeated, beyond its first and without proof that the first did nothing. */
  repeated: number;
  /** Journal numbers from 1 without a gap, over everything the daemon showed. */
  offsetsAscend: boolean;
}

export function examine(log: SessionEventLog): Evidence {
  const { journal } = log.session;
  const resumes = log.run_events.flatMap((entry) => (entry.event.type === "resumed" ? [entry.seq] : []));
  return {
    inFlight: resumes.flatMap((seq) => openCallsAt(journal, seq)),
    repeated: countRepeated(journal),
    offsetsAscend: journal.every(
      (entry, index) => index === 0 || entry.offset > (journal[index - 1]?.offset ?? 0),
    ),
  };
}

function openCallsAt(journal: readonly JournalEntry[], seq: number): string[] {
  const open = new Map<string, string>();
  for (const { offset, event } of journal) {
    if (offset >= seq) break;
    if (event.type === "tool_call_started") open.set(String(event.call_id), String(event.tool_name));
    if (event.type === "tool_call_finished") open.delete(String(event.call_id));
  }
  return [...open.values()];
}

function countRepeated(journal: readonly JournalEntry[]): number {
  const dispatched = new Set<string>();
  let repeated = 0;
  for (const { event } of journal) {
    const call = String(event.call_id);
    if (event.type === "effect_not_applied") dispatched.delete(call);
    if (event.type !== "tool_call_started" || event.effect !== "once") continue;
    if (dispatched.has(call)) repeated += 1;
    dispatched.add(call);
  }
  return repeated;
}
