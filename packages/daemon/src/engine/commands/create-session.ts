import { type CreateSessionRequest, problem } from "@kheish/contract";
import { sessionStream } from "../events.ts";
import { type Kept, read, type SessionRecord } from "../records.ts";
import { SessionChange } from "../session-change.ts";
import { ZERO_USAGE } from "../usage.ts";
import { earlier, idempotencyKeyOf, receiptOf, remember } from "./idempotency.ts";
import { unknownPersona } from "./persona.ts";
import { isEmptyScope, normalizeScope } from "./scopes.ts";
import { type CommandDeps, requireSession } from "./transact.ts";

/** What every store can index, and a path can carry percent-encoded. */
const MAX_ID_BYTES = 512;
const NICKNAMES = ["Atlas", "Aurora", "Cinder", "Ion", "Juniper", "Lyra", "Nova", "Orion", "Sage", "Vega"];

/**
 * Creates a session, or answers the one with that id unchanged (01-R12, 01-A6).
 * `own`: what the daemon adds to a session of its own making. A supplied scope that differs from what is stored is a conflict; omitted fields are not compared.
 */
export async function createSession(
  deps: CommandDeps,
  request: CreateSessionRequest,
  headerKey?: string,
  own: Partial<SessionRecord> = {},
): Promise<{ session: Kept<"session">; created: boolean }> {
  if (request.persona_id !== undefined) throw unknownPersona(request.persona_id);
  const key = idempotencyKeyOf(headerKey, request.idempotency_key);
  const { idempotency_key: _key, ...fields } = request;
  const receipt =
    key === undefined ? undefined : receiptOf({ space: "session", scope: "", key, request: fields });
  const sessionId =
    request.session_id === undefined ? `session-${deps.random.hex(8)}` : validId(request.session_id);

  return deps.mutex.run(sessionId, async () => {
    const before = await earlier(deps.store, receipt);
    if (before?.session_id !== undefined) {
      return { session: await requireSession(deps.store, before.session_id), created: false };
    }
    for (;;) {
      const known = await read(deps.store, "session", sessionId);
      if (known !== undefined) return { session: refuseDifference(known, request), created: false };
      const change = new SessionChange(sessionId, 0, deps.clock.now());
      const record = { ...(await newSession(deps, sessionId, request, change.now)), ...own };
      change.emit("session_created", { agent_id: record.agent_id });
      change.put("session", sessionId, record, 0);
      remember(change, receipt, { session_id: sessionId });
      const result = await deps.store.commit(change.ops());
      if (result.ok) {
        deps.known.landed(sessionId, change);
        return { session: { id: sessionId, revision: 1, data: record }, created: true };
      }
      const raced = await earlier(deps.store, receipt);
      if (raced?.session_id !== undefined) {
        return { session: await requireSession(deps.store, raced.session_id), created: false };
      }
      if (
        (await deps.store.streamHead(sessionStream(sessionId))) > 0 &&
        !(await read(deps.store, "session", sessionId))
      ) {
        throw new Error(`session '${sessionId}' has a journal but no record`);
      }
    }
  });
}

/** Any string but `.`, `..` and what is empty when trimmed; odd characters are percent-encoded in paths. */
function validId(id: string): string {
  const trimmed = id.trim();
  if (trimmed === "" || trimmed === "." || trimmed === "..") {
    throw problem("sessions", "session_id_invalid", "session_id must not be empty, '.' or '..'");
  }
  if (!id.isWellFormed()) {
    throw problem(
      "sessions",
      "session_id_invalid",
      "session_id holds half a character, which no path can name",
    );
  }
  if (Buffer.byteLength(id) > MAX_ID_BYTES) {
    throw problem("sessions", "session_id_invalid", `session_id is at most ${MAX_ID_BYTES} bytes`);
  }
  return id;
}

async function newSession(
  deps: CommandDeps,
  sessionId: string,
  request: CreateSessionRequest,
  now: number,
): Promise<SessionRecord> {
  const number = await deps.store.reserveIds("agent", 1);
  const capability = normalizeScope(request.capability_scope ?? {});
  const credential = normalizeScope(request.credential_scope ?? {});
  return {
    session_id: sessionId,
    agent_id: `agent-${number}`,
    nickname: nickname(number),
    ...(request.thread_id === undefined ? {} : { thread_id: request.thread_id }),
    created_at_ms: now,
    updated_at_ms: now,
    status: "idle",
    queued_count: 0,
    pending_approvals: 0,
    pending_questions: 0,
    ...(isEmptyScope(capability) ? {} : { capability_scope: capability }),
    ...(isEmptyScope(credential) ? {} : { credential_scope: credential }),
    checkpoint_count: 0,
    usage: ZERO_USAGE,
  };
}

/** Unique without a lookup: the pool in order, then the pool with a number. */
function nickname(number: number): string {
  const name = NICKNAMES[(number - 1) % NICKNAMES.length] ?? "Agent";
  const round = Math.floor((number - 1) / NICKNAMES.length);
  return round === 0 ? name : `${name} ${round + 1}`;
}

function refuseDifference(known: Kept<"session">, request: CreateSessionRequest): Kept<"session"> {
  const differs = (["capability_scope", "credential_scope"] as const).find((name) => {
    const wanted = request[name];
    return (
      wanted !== undefined &&
      JSON.stringify(normalizeScope(wanted)) !== JSON.stringify(known.data[name] ?? {})
    );
  });
  if (differs !== undefined) {
    throw problem(
      "sessions",
      "conflict",
      `session '${known.id}' exists with another ${differs}; change it with PUT /v1/sessions/{session_id}/${differs.replace("_", "-")}`,
    );
  }
  return known;
}
