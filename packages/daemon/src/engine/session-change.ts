import type { AddOp, NewEvent, Op, PutOp } from "../kernel/store.ts";
import type { ExternalAction } from "./audit-port.ts";
import { event, type SessionEvents, type SessionEventType, sessionStream } from "./events.ts";
import { type GoalRecord, type Kept, kept, put, type RecordKind, type SessionRecord } from "./records.ts";

/** The queue that wakes a session's executor; the key is the session id. */
export const SESSION_QUEUE = "session";
/** The same of the sessions in which hooks judge. */
export const JUDGE_QUEUE = "session-judge";
/** As `judgeSessionId` makes them. */
const JUDGE_SESSION = /^hook-[0-9a-f]{32}-\d+$/;
/** The queue of deadlines. */
export const TIMER_QUEUE = "timer";

/** The session of one attempt of a hook that judges. */
export function judgeSessionId(executionKey: string, attempt: number): string {
  return `hook-${executionKey}-${attempt}`;
}

/**
 * Where the work of a session waits. A run that is judged keeps its hand while it waits for its judge: judges have hands
 * of their own, or as many judged runs as there are hands would wait for each other. They have no judges themselves.
 */
export function queueOf(sessionId: string): string {
  return JUDGE_SESSION.test(sessionId) ? JUDGE_QUEUE : SESSION_QUEUE;
}

/**
 * One commit in the making for one session: events, records, wake-ups.
 * Seqs are known while it is built, because the append is guarded by the head it was built on.
 */
export class SessionChange {
  readonly #events: NewEvent[] = [];
  readonly #puts = new Map<string, PutOp>();
  readonly #ops: Op[] = [];
  readonly #actions: ExternalAction[] = [];
  readonly #sessionId: string;
  readonly #headSeq: number;
  readonly now: number;
  /** The principal whose wish this change is; undefined where the daemon acts by itself. */
  by: string | undefined;
  #session: { before: Kept<"session">; after: SessionRecord } | undefined;
  #goal: { before: Kept<"goal"> | undefined; after: GoalRecord | undefined } | undefined;
  readonly #onEvent: ((event: NewEvent, seq: number) => void) | undefined;
  readonly #driven: boolean;
  #wakes = false;
  #rests = false;

  /** `driven`: built by whoever drives the session, who need not be told to look at it. */
  constructor(
    sessionId: string,
    headSeq: number,
    now: number,
    options: {
      session?: Kept<"session">;
      driven?: boolean;
      onEvent?: (event: NewEvent, seq: number) => void;
    } = {},
  ) {
    this.#sessionId = sessionId;
    this.#headSeq = headSeq;
    this.now = now;
    if (options.session !== undefined) {
      this.#session = { before: options.session, after: { ...options.session.data } };
    }
    this.#onEvent = options.onEvent;
    this.#driven = options.driven === true;
  }

  get nextSeq(): number {
    return this.#headSeq + this.#events.length + 1;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#puts.size === 0 && this.#ops.length === 0;
  }

  /** Lets the change revise the session too; read when a transition turns out to need it. */
  attachSession(session: Kept<"session">): void {
    this.#session ??= { before: session, after: { ...session.data } };
  }

  /** The session's record as it was read. */
  get sessionRead(): Kept<"session"> | undefined {
    return this.#session?.before;
  }

  /** A record as this change left it, once it has landed; undefined when it did not write it. */
  landed<K extends RecordKind>(kind: K, id: string): Kept<K> | undefined {
    const put = this.#puts.get(`${kind}/${id}`);
    if (put === undefined) return undefined;
    return kept(kind, { id, revision: (put.expectedRevision ?? 0) + 1, data: put.data });
  }

  /** The session as this change leaves it. */
  get session(): SessionRecord {
    if (this.#session === undefined) throw new Error("this change was built without its session record");
    return this.#session.after;
  }

  /** Adds an event; answers the seq it will have. */
  emit<T extends SessionEventType>(type: T, data: SessionEvents[T]): number {
    const seq = this.nextSeq;
    const added = event(type, data, this.now);
    this.#events.push(added);
    this.#onEvent?.(added, seq);
    return seq;
  }

  updateSession(changes: Partial<SessionRecord>): void {
    Object.assign(this.session, changes, { updated_at_ms: this.now });
  }

  /** Removes optional members; `undefined` is not a JSON value. */
  clearSession(...names: (keyof SessionRecord)[]): void {
    for (const name of names) delete (this.session as unknown as Record<string, unknown>)[name];
    this.session.updated_at_ms = this.now;
  }

  /** The session's goal as it was read. What changes it also writes to the journal, whose guard protects the reading. */
  attachGoal(goal: Kept<"goal"> | undefined): void {
    this.#goal ??= { before: goal, after: goal?.data };
  }

  get knowsGoal(): boolean {
    return this.#goal !== undefined;
  }

  /** The goal as this change leaves it. */
  get goal(): GoalRecord | undefined {
    return this.#goal?.after;
  }

  /** Undefined removes it. */
  keepGoal(goal: GoalRecord | undefined): void {
    if (this.#goal === undefined) throw new Error("this change was built without its session's goal");
    this.#goal.after = goal;
  }

  /** The goal's record once this change has landed. */
  get goalLanded(): Kept<"goal"> | undefined {
    const { before, after } = this.#goal ?? {};
    if (after === undefined) return undefined;
    if (after === before?.data) return before;
    return { id: this.#sessionId, revision: (before?.revision ?? 0) + 1, data: after };
  }

  #goalOps(): Op[] {
    const { before, after } = this.#goal ?? {};
    if (after === before?.data) return [];
    const expectedRevision = before?.revision ?? 0;
    if (after !== undefined) return [put("goal", this.#sessionId, after, expectedRevision)];
    return [{ op: "delete", kind: "goal", id: this.#sessionId, expectedRevision }];
  }

  put<K extends RecordKind>(kind: K, id: string, data: Kept<K>["data"], expectedRevision: number): void {
    this.#puts.set(`${kind}/${id}`, put(kind, id, data, expectedRevision));
  }

  /** Accounts for what leaves the daemon once this change has landed, or for what came of it. */
  audit(action: ExternalAction): void {
    this.#actions.push(action);
  }

  get actions(): readonly ExternalAction[] {
    return this.#actions;
  }

  add(...ops: Op[]): void {
    this.#ops.push(...ops);
  }

  /** What this change adds to a record of sums, which a reader of the store does not see yet. */
  addedTo(kind: string, id: string): AddOp[] {
    return this.#ops.filter((op): op is AddOp => op.op === "add" && op.kind === kind && op.id === id);
  }

  /** Somebody has to look at this session now, whatever the clock that says so is worth. */
  wake(): void {
    if (this.#wakes || this.#driven) return;
    this.#wakes = true;
    this.add({
      op: "enqueue",
      queue: queueOf(this.#sessionId),
      key: this.#sessionId,
      dueAtMs: 0,
      payload: null,
    });
  }

  /** Whether somebody has to look at this session once the change has landed. */
  get wakes(): boolean {
    return this.#wakes;
  }

  /**
   * Nobody can go on in this session once the change has landed, and its record says so: its driver may leave it with
   * the same commit.
   */
  rest(): void {
    this.#rests = this.#session !== undefined;
  }

  get rests(): boolean {
    return this.#rests;
  }

  /** Wakes the timer queue at `atMs`; the key makes it unique and is what its handler acts on. */
  remind(key: string, atMs: number): void {
    this.add({ op: "enqueue", queue: TIMER_QUEUE, key, dueAtMs: atMs, payload: null });
  }

  /** All operations, guards first; to be called once. A session whose visible state changed says so in the journal. */
  ops(): Op[] {
    const ops: Op[] = [];
    if (this.#session !== undefined) {
      const { before, after } = this.#session;
      if (stateOf(before.data) !== stateOf(after)) {
        this.emit("session_state_changed", {
          status: after.status,
          pending_approvals: after.pending_approvals,
          pending_questions: after.pending_questions,
        });
      }
      if (JSON.stringify(before.data) !== JSON.stringify(after)) {
        this.put("session", before.id, after, before.revision);
      }
    }
    ops.push(...this.#puts.values(), ...this.#goalOps());
    if (this.#events.length > 0) {
      ops.push({
        op: "append",
        stream: sessionStream(this.#sessionId),
        events: this.#events,
        expectedSeq: this.#headSeq,
      });
    }
    ops.push(...this.#ops);
    return ops;
  }
}

function stateOf(session: SessionRecord): string {
  return `${session.status}/${session.pending_approvals}/${session.pending_questions}`;
}
