import { isTerminal, type JsonObject, problem, type StreamEvent } from "@kheish/contract";
import {
  type Kept,
  type ModelDelta,
  recorded,
  requireRun,
  requireSession,
  runOf,
  sessionStream,
} from "../../engine/index.ts";
import { type ToldActions, toldActions } from "../../governance/audit/index.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import type { SseFrame } from "../binding.ts";
import { currentRunView } from "../runs/index.ts";
import { agentSnapshot } from "../sessions/index.ts";
import { type FrameSource, frameOf } from "./frames.ts";
import { queueShifts } from "./queue-shifts.ts";

export type StreamScope =
  | { kind: "global"; sessionId?: string; runId?: string }
  | { kind: "session"; sessionId: string }
  | { kind: "run"; runId: string };

export interface StreamOptions {
  cursor?: string | undefined;
  lastEventId?: string | undefined;
  until?: string | undefined;
  snapshot?: string | undefined;
}

export type Delta = ModelDelta & { session_id: string; run_id: string; turn: number };

interface StreamStart {
  position: number;
  /** The journal's end when the stream was opened; what follows it is live. */
  head: number;
  resumed: boolean;
}

const PAGE = 200;
/** Token deltas a slow consumer may have waiting; beyond it the oldest go, the message itself follows whole. */
const MAX_WAITING_DELTAS = 1_000;
/** The same of external actions, whose history is the audit. */
const MAX_WAITING_ACTIONS = 1_000;
/** Why a wait ends: said, because an error would be made otherwise, and nobody looks at it. */
const NEWS = "news";

/**
 * SSE streams are the journal, read at the consumer's pace: a slow one is late, never short (01-R58 to R65).
 * Ids are journal positions, so they survive restarts and a resume needs no memory of the consumer.
 */
export class EventStreams {
  readonly #source: FrameSource;
  readonly #tail: JournalTail;
  readonly #subscribers = new Set<Subscriber>();

  constructor(source: FrameSource, tail: JournalTail) {
    this.#source = source;
    this.#tail = tail;
    tail.onEvent((event) => {
      const told = this.#subscribers.size === 0 ? undefined : toldActions(event);
      // What was done to no session, as an operator's change of settings, is in the audit and not in the streams.
      if (told?.session_id === undefined) return;
      const frames = actionFrames(told, event.atMs);
      for (const subscriber of this.#subscribers) subscriber.offerActions(told, frames);
    });
  }

  get subscriberCount(): number {
    return this.#subscribers.size;
  }

  /** Shows text as a model produces it to whoever watches now, after the events that led to it. */
  publishDelta(delta: Delta): void {
    const before = this.#tail.caughtUp();
    if (before === undefined) this.#offer(delta);
    else void before.then(() => this.#offer(delta));
  }

  #offer(delta: Delta): void {
    for (const subscriber of this.#subscribers) subscriber.offer(delta);
  }

  /** Refuses before the stream opens; then follows until the caller goes away or the run is over. */
  async open(
    scope: StreamScope,
    options: StreamOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly SseFrame[]>> {
    checkOptions(scope, options);
    const run = scope.kind === "run" ? await requireRun(this.#source.store, scope.runId) : undefined;
    if (scope.kind === "session") await requireSession(this.#source.store, scope.sessionId);
    const subscriber = new Subscriber(scope, run?.data.session_id);
    const from = await this.#startOf(options);
    return this.#follow(subscriber, scope, options, from, signal);
  }

  async #startOf(options: StreamOptions): Promise<StreamStart> {
    const cursor = cursorOf(options);
    const head = await this.#source.store.head();
    if (cursor === undefined) return { position: head, head, resumed: false };
    // A cursor above the newest id counts as the newest (01-R58).
    return { position: cursor > BigInt(head) ? head : Number(cursor), head, resumed: true };
  }

  async *#follow(
    subscriber: Subscriber,
    scope: StreamScope,
    options: StreamOptions,
    from: StreamStart,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SseFrame[]> {
    this.#subscribers.add(subscriber);
    try {
      let { position } = from;
      const first = options.snapshot === "true" || (options.until === "terminal" && !from.resumed);
      if (first) {
        const snapshot = await this.#snapshot(scope);
        // Without `snapshot` the first frame is only sent when the run is over and nothing else would come.
        if (snapshot !== undefined && (options.snapshot === "true" || endsRun(snapshot.frame))) {
          yield [snapshot.frame];
          position = snapshot.position;
          if (options.until === "terminal" && endsRun(snapshot.frame)) return;
        }
      }
      let mayBeOver = from.resumed && options.until === "terminal";
      // A daemon that goes down ends its streams; whoever comes back with the last id misses nothing.
      while (!signal.aborted && this.#tail.isFollowing) {
        const seen = this.#tail.position;
        const events = await this.#read(subscriber, position);
        const frames: SseFrame[] = [];
        for (const event of events) {
          position = event.position;
          const frame = subscriber.wants(event) ? await this.#frame(event) : undefined;
          if (frame !== undefined && subscriber.carries(frame)) {
            subscriber.forget(event);
            const isEnd = endsRun(frame);
            // What a run's last commit accounts for is told before the run's end is.
            if (isEnd) frames.push(...subscriber.takeActions());
            frames.push(frame);
            if (isEnd && options.until === "terminal") {
              yield frames;
              return;
            }
          }
          // Where others stand now is news, not history: only whoever watches live is told.
          if (position <= from.head || !subscriber.isOf(event)) continue;
          frames.push(...(await this.#shifts(event)).filter((moved) => subscriber.follows(moved)));
        }
        frames.push(...subscriber.takeActions(), ...subscriber.takeDeltas());
        if (frames.length > 0) yield frames;
        if (events.length > 0) continue;
        if (mayBeOver && (await this.#isOver(scope, position))) return;
        mayBeOver = false;
        // All up to `seen` was looked at and is not for this consumer.
        position = Math.max(position, seen);
        await this.#wait(subscriber, position, signal);
      }
    } finally {
      this.#subscribers.delete(subscriber);
    }
  }

  /** From memory while the consumer keeps up, from the store when it does not. */
  async #read(subscriber: Subscriber, position: number): Promise<StoredEvent[]> {
    const recent = this.#tail.since(position);
    if (recent !== undefined) return recent.slice(0, PAGE);
    const { store } = this.#source;
    const { sessionId } = subscriber;
    if (sessionId === undefined) return store.readAll({ afterPosition: position, limit: PAGE });
    return store.readStream(sessionStream(sessionId), { afterPosition: position, limit: PAGE });
  }

  async #wait(subscriber: Subscriber, position: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort(NEWS);
    signal.addEventListener("abort", wake, { once: true });
    subscriber.onNews = wake;
    // What came while the consumer was busy wakes nobody.
    if (signal.aborted || subscriber.hasNews) wake();
    const { sessionId } = subscriber;
    if (sessionId === undefined) await this.#tail.after(position, woken.signal);
    else await this.#tail.afterIn(sessionStream(sessionId), position, woken.signal);
    subscriber.onNews = undefined;
    signal.removeEventListener("abort", wake);
  }

  /** Rendered once for everybody who reads the same event from the tail. */
  readonly #frame = oncePerEvent((event) => frameOf(this.#source, event));

  readonly #shifts = oncePerEvent((event) => queueShifts(this.#source.store, event));

  /** The present state and the position it reflects (01-A8). */
  async #snapshot(scope: StreamScope): Promise<{ frame: SseFrame; position: number } | undefined> {
    const { store } = this.#source;
    if (scope.kind === "global") return undefined;
    // Head first: what happens in between is shown twice rather than not at all.
    const position = await store.head();
    const data: StreamEvent =
      scope.kind === "run"
        ? { type: "run_updated", run: await currentRunView(store, await requireRun(store, scope.runId)) }
        : await this.#sessionSnapshot(await requireSession(store, scope.sessionId));
    return { frame: { id: String(position), event: data.type, data }, position };
  }

  async #sessionSnapshot(session: Kept<"session">): Promise<StreamEvent> {
    const snapshot = await agentSnapshot(this.#source.store, session);
    return { type: "session_snapshot", session_id: session.id, snapshot };
  }

  /** A consumer that resumed after the terminal frame has nothing more to wait for. */
  async #isOver(scope: StreamScope, position: number): Promise<boolean> {
    if (scope.kind !== "run") return false;
    const { store } = this.#source;
    const { data } = await requireRun(store, scope.runId);
    if (!isTerminal(data.status) || data.finished_seq === undefined) return false;
    const [last] = await store.readStream(sessionStream(data.session_id), {
      afterSeq: data.finished_seq - 1,
      toSeq: data.finished_seq,
    });
    return last !== undefined && last.position <= position;
  }
}

/** What an event is made into, kept for as long as the event is; a failure is not kept, the next reader tries again. */
function oncePerEvent<T>(make: (event: StoredEvent) => Promise<T>): (event: StoredEvent) => Promise<T> {
  const made = new WeakMap<StoredEvent, Promise<T>>();
  return (event) => {
    const known = made.get(event);
    if (known !== undefined) return known;
    const making = make(event);
    made.set(event, making);
    making.catch(() => made.delete(event));
    return making;
  };
}

/** One consumer: what it wants to see, and what waits for it that is no history. */
class Subscriber {
  readonly #scope: StreamScope;
  /** The one session all its events are of, when there is one. */
  readonly sessionId: string | undefined;
  #deltas: Delta[] = [];
  #actions: SseFrame[] = [];
  onNews: (() => void) | undefined;

  constructor(scope: StreamScope, sessionOfRun: string | undefined) {
    this.#scope = scope;
    this.sessionId = sessionOfRun ?? (scope.kind === "run" ? undefined : scope.sessionId);
  }

  get #runId(): string | undefined {
    return this.#scope.kind === "session" ? undefined : this.#scope.runId;
  }

  /** Whether it happened where this consumer looks. */
  isOf(event: StoredEvent): boolean {
    return this.sessionId === undefined || event.stream === sessionStream(this.sessionId);
  }

  wants(event: StoredEvent): boolean {
    if (!this.isOf(event)) return false;
    return this.#runId === undefined || runOf(event) === this.#runId;
  }

  /** Run streams carry only trace, output and run_updated (01-R64); `runtime_updated` only unfiltered ones. */
  carries(frame: SseFrame): boolean {
    if (this.#runId !== undefined) return ["trace", "output", "run_updated"].includes(frame.event);
    return true;
  }

  /** Whether a frame about a run is about one that this consumer follows. */
  follows(frame: SseFrame): boolean {
    const data = frame.data as StreamEvent;
    return data.type === "run_updated" && (this.#runId === undefined || data.run.run_id === this.#runId);
  }

  get hasNews(): boolean {
    return this.#deltas.length + this.#actions.length > 0;
  }

  offerActions({ session_id, run_id }: ToldActions, frames: readonly SseFrame[]): void {
    if (this.sessionId !== undefined && session_id !== this.sessionId) return;
    if (this.#runId !== undefined && run_id !== this.#runId) return;
    this.#actions.push(...frames);
    this.#actions.splice(0, this.#actions.length - MAX_WAITING_ACTIONS);
    this.onNews?.();
  }

  takeActions(): SseFrame[] {
    return this.#actions.splice(0);
  }

  offer(delta: Delta): void {
    if (this.sessionId !== undefined && delta.session_id !== this.sessionId) return;
    if (this.#runId !== undefined && delta.run_id !== this.#runId) return;
    this.#deltas.push(delta);
    if (this.#deltas.length > MAX_WAITING_DELTAS) this.#deltas.shift();
    this.onNews?.();
  }

  /** The message itself has come: its deltas have nothing left to say. */
  forget(stored: StoredEvent): void {
    const event = recorded(stored);
    if (event.type !== "message_appended") return;
    const { run_id, turn } = event.data;
    this.#deltas = this.#deltas.filter((delta) => delta.run_id !== run_id || delta.turn > turn);
  }

  takeDeltas(): SseFrame[] {
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas.map((delta) => ({ event: "output_delta", data: { type: "output_delta", ...delta } }));
  }
}

function checkOptions(scope: StreamScope, options: StreamOptions): void {
  const { until } = options;
  if (until === undefined) return;
  if (until !== "terminal") {
    throw problem("events", "invalid_stream_option", `until must be 'terminal', not '${until}'`);
  }
  if (scope.kind !== "run") {
    throw problem("events", "invalid_stream_option", "until=terminal is for run streams only");
  }
}

/** The larger of header and query; both decimal strings, read as BigInt (01-R54, 01-R57). */
function cursorOf(options: StreamOptions): bigint | undefined {
  const given = [options.lastEventId, options.cursor].filter(
    (text) => text !== undefined && text.trim() !== "",
  );
  const cursors = given.map((text) => {
    const trimmed = (text ?? "").trim();
    if (!/^\d{1,20}$/.test(trimmed)) {
      throw problem(
        "events",
        "invalid_event_cursor",
        `event cursor '${trimmed.slice(0, 40)}' is not a decimal number`,
      );
    }
    return BigInt(trimmed);
  });
  return cursors.reduce<bigint | undefined>(
    (most, one) => (most === undefined || one > most ? one : most),
    undefined,
  );
}

/** Made once for everybody who watches. */
function actionFrames({ session_id, run_id, actions }: ToldActions, atMs: number): SseFrame[] {
  const place = {
    kind: "external_action",
    ...(session_id === undefined ? {} : { session_id }),
    ...(run_id === undefined ? {} : { run_id }),
    timestamp_ms: atMs,
  };
  return actions.map((data) => {
    const told: StreamEvent = { type: "trace", trace: { ...place, data: data as JsonObject } };
    return { event: told.type, data: told };
  });
}

function endsRun(frame: SseFrame): boolean {
  const data = frame.data as StreamEvent;
  return data.type === "run_updated" && isTerminal(data.run.status);
}
