import type { JournalEntry, SessionEventLog } from "@kheish/contract";

/** What the journal says about one call of a run. */
export interface CallHistory {
  /** Times it was dispatched. */
  attempts: number;
  keys: Set<string>;
  /** Undefined: no outcome stands in the journal. */
  outcome: string | undefined;
  /** The tool itself said that it cannot know. */
  isToldUnknown: boolean;
  /** It may be repeated, but the daemon died under it too often. */
  isGivenUp: boolean;
}

const UNTOUCHED = { attempts: 0, outcome: undefined, isToldUnknown: false, isGivenUp: false };

/** Call id -> history. The ids of a script's calls are unique over all runs. */
export function callHistories(log: SessionEventLog): Map<string, CallHistory> {
  const histories = new Map<string, CallHistory>();
  const of = (entry: JournalEntry) => {
    const callId = String(entry.event.call_id);
    const history = histories.get(callId) ?? { ...UNTOUCHED, keys: new Set() };
    histories.set(callId, history);
    return history;
  };
  for (const entry of log.session.journal) {
    const { event } = entry;
    if (event.type === "tool_call_started") {
      const history = of(entry);
      history.attempts += 1;
      history.keys.add(String(event.idempotency_key));
    }
    if (event.type === "tool_call_finished") {
      const history = of(entry);
      const { output } = event.result as { output?: { outcome?: string; interrupted?: boolean } };
      history.outcome = String(event.ledger);
      const isUnsure = event.ledger === "failed" && output?.outcome === "unknown";
      history.isToldUnknown = isUnsure && output?.interrupted !== true;
      history.isGivenUp = isUnsure && output?.interrupted === true;
    }
  }
  return histories;
}
