import { getJson } from "../support/http.ts";

/** What the bench wants to know of a session's journal, read through the API. */
export interface JournalFacts {
  /** When each tool result was committed, in order. */
  resultTimes: number[];
  /** What the tools answered, each answer once: what has to be on disk. */
  uniqueBytes: number;
  checkpoints: number;
}

interface Page {
  session: {
    journal: { timestamp_ms: number; event: { type: string; result?: { output: unknown } } }[];
    checkpoints: unknown[];
  };
  next_offset?: number;
}

const PAGE = 500;

export async function readJournal(baseUrl: string, session: string): Promise<JournalFacts> {
  const facts: JournalFacts = { resultTimes: [], uniqueBytes: 0, checkpoints: 0 };
  let after: number | undefined = 0;
  while (after !== undefined) {
    const url = `${baseUrl}/v1/sessions/${session}/events?after_offset=${after}&limit=${PAGE}`;
    const page: Page = await getJson<Page>(url);
    for (const { timestamp_ms, event } of page.session.journal) {
      if (event.type !== "tool_call_finished") continue;
      facts.resultTimes.push(timestamp_ms);
      facts.uniqueBytes += Buffer.byteLength(JSON.stringify(event.result?.output));
    }
    facts.checkpoints += page.session.checkpoints.length;
    after = page.next_offset;
  }
  return facts;
}
