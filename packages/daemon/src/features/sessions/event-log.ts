import type {
  JournalEntry,
  Json,
  JsonObject,
  PermissionAudit,
  RunEventEntry,
  SessionEventLog,
} from "@kheish/contract";
import { type Kept, type RecordedEvent, recorded, runOf, sessionStream, textOf } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import { outputRecord, runEventEntry } from "../runs/index.ts";

const READ_PAGE = 1_000;

/** What the agent saw and did, as opposed to how its runs moved. */
const CONVERSATION = new Set<RecordedEvent["type"]>([
  "input_received",
  "message_appended",
  "model_call_failed",
  "tool_call_started",
  "tool_call_finished",
  "effect_not_applied",
  "todos_updated",
  "task_changed",
  "skill_activated",
  "skill_deactivated",
  "answer_conformed",
  "compaction_boundary",
  "session_created",
  "session_updated",
  "session_ended",
  "session_reopened",
  "session_interrupted",
  "goal_set",
  "goal_moved",
  "goal_cleared",
  "permission_rule_set",
  "permission_rule_removed",
  "plan_mode_entered",
  "plan_mode_left",
]);

/** A session's whole history, or one page of it: journal, checkpoints, audits, outputs and run events. */
export async function sessionEventLog(
  store: Store,
  session: Kept<"session">,
  range: { afterOffset: number; limit?: number },
): Promise<SessionEventLog> {
  const { events, next } = await readRange(store, session.id, range);
  const { agent_id } = session.data;
  const log: SessionEventLog = {
    session: { session_id: session.id, journal: [], checkpoints: [], audits: [], outputs: [], metadata: {} },
    daemon_outputs: [],
    run_events: [],
    ...(next === undefined ? {} : { next_offset: next }),
  };
  for (const event of events) {
    if (CONVERSATION.has(event.type)) log.session.journal.push(journalEntry(event));
    if (event.type === "checkpoint")
      log.session.checkpoints.push(event.data.checkpoint as unknown as JsonObject);
    if (event.type === "permission_audit") log.session.audits.push(event.data.audit);
    const runId = runOf(event);
    if (runId === undefined) continue;
    const run = { run_id: runId, session_id: session.id, agent_id };
    if (event.type === "output") log.daemon_outputs.push(await outputRecord(store, session.id, event));
    const entry: RunEventEntry | undefined = await runEventEntry(store, run, event);
    if (entry !== undefined) log.run_events.push(entry);
  }
  return log;
}

/** Every permission decision of the session, in order. */
export async function permissionAudits(store: Store, sessionId: string): Promise<PermissionAudit[]> {
  const { events } = await readRange(store, sessionId, { afterOffset: 0 });
  return events.flatMap((event) => (event.type === "permission_audit" ? [event.data.audit] : []));
}

function journalEntry(event: RecordedEvent): JournalEntry {
  const runId = runOf(event);
  const { run_id: _run, ...data } = event.data as Record<string, unknown>;
  return {
    offset: event.seq,
    timestamp_ms: event.atMs,
    ...(runId === undefined ? {} : { run_id: runId }),
    event: { type: event.type, ...data, ...structuredInput(event) },
  };
}

/** The value that an input contract admitted; it stands in the journal as the input's text (01-R33). */
function structuredInput(event: RecordedEvent): { structured_input?: Json } {
  if (event.type !== "input_received" || event.data.message.structured !== true) return {};
  return { structured_input: JSON.parse(textOf(event.data.message)) as Json };
}

async function readRange(
  store: Store,
  sessionId: string,
  range: { afterOffset: number; limit?: number },
): Promise<{ events: RecordedEvent[]; next: number | undefined }> {
  const events: RecordedEvent[] = [];
  const wanted = range.limit ?? Number.POSITIVE_INFINITY;
  let after = range.afterOffset;
  while (events.length < wanted) {
    const page = await store.readStream(sessionStream(sessionId), {
      afterSeq: after,
      limit: Math.min(READ_PAGE, wanted - events.length),
    });
    events.push(...page.map(recorded));
    after = page.at(-1)?.seq ?? after;
    if (page.length === 0) return { events, next: undefined };
  }
  const more = (await store.streamHead(sessionStream(sessionId))) > after;
  return { events, next: more ? after : undefined };
}
