import { isTerminal, type JsonObject, problem, type StreamEvent } from "@kheish/contract";
import { type Kept, requireRun, requireSession, sessionStream } from "../../engine/index.ts";
import { type ToldActions, toldActions } from "../../governance/audit/index.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { JournalTail } from "../../kernel/tail.ts";
import type { SseFrame } from "../binding.ts";
import { currentRunView } from "../runs/index.ts";
import { agentSnapshot } from "../sessions/index.ts";
import { cursorOf } from "./cursor.ts";
import { type FrameSource, frameOf } from "./frames.ts";
import { queueShifts } from "./queue-shifts.ts";
import { type Delta, holds, type StreamScope, Subscriber, Subscribers } from "./subscribers.ts";

export interface StreamOptions {
  cursor?: string | undefined;
  lastEventId?: string | undefined;
  until?: string | undefined;
  snapshot?: string | undefined;
}

interface StreamStart {
  position: number;
  /** The journal's end when the stream was opened; what follows it is live. */
  head: number;
  resumed: boolean;
}

const PAGE = 200;

/**
 * SSE streams are the journal, read at the consumer's pace: a slow one is late, never short (01-R58 to R65).
 * Ids are journal positions, so they survive restarts and a resume needs no memory of the consumer.
 */
export class EventStreams {
  readonly #source: FrameSource;
  readonly #tail: JournalTail;
  readonly #subscribers = new Subscribers();

  constructor(source: FrameSource, tail: JournalTail) {
    this.#source = source;
    this.#tail = tail;
    tail.onEvent((event) => {
      const told = this.#subscribers.count === 0 ? undefined : toldActions(event);
      // What was done to no session, as an operator's change of settings, is in the audit and not in the streams.
      if (told?.session_id === undefined) return;
      const frames = actionFrames(told, event.atMs);
      for (const subscriber of this.#subscribers.of(told.session_id)) subscriber.offerActions(told, frames);
    });
  }

  get subscriberCount(): number {
    return this.#subscribers.count;
  }

  /** Shows text as a model produces it to whoever watches now, after the events that led to it. */
  publishDelta(delta: Delta): void {
    const before = this.#tail.caughtUp();
    if (before === undefined) {
      this.#offer(delta);
      return;
    }
    const { position } = this.#tail;
    void before.then(() => {
      if (!this.#isSaid(delta, position)) this.#offer(delta);
    });
  }

  /** Whether the message that holds it was read behind `position`, so that it would be shown again behind that. */
  #isSaid(delta: Delta, position: number): boolean {
    const events = this.#tail.sinceIn(sessionStream(delta.session_id), position);
    return events === undefined || events.some((event) => holds(event, delta));
  }

  #offer(delta: Delta): void {
    for (const subscriber of this.#subscribers.of(delta.session_id)) subscriber.offer(delta);
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
    const wake = () => subscriber.onNews?.();
    signal.addEventListener("abort", wake);
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
        position = await this.#wait(subscriber, Math.max(position, seen), signal);
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#subscribers.delete(subscriber);
    }
  }

  /** From memory while the consumer keeps up, from the store when it does not. */
  async #read({ stream }: Subscriber, position: number): Promise<StoredEvent[]> {
    const recent = stream === undefined ? this.#tail.since(position) : this.#tail.sinceIn(stream, position);
    if (recent !== undefined) return recent.slice(0, PAGE);
    const { store } = this.#source;
    const page = { afterPosition: position, limit: PAGE };
    return stream === undefined ? store.readAll(page) : store.readStream(stream, page);
  }

  /** Waits for something that this consumer may want. Returns up to where there was nothing. */
  #wait(subscriber: Subscriber, position: number, signal: AbortSignal): Promise<number> {
    // What came while the consumer was busy wakes nobody.
    if (signal.aborted || subscriber.hasNews) return Promise.resolve(position);
    const { stream } = subscriber;
    return new Promise((resolve) => {
      const done = (event?: StoredEvent) => {
        subscriber.onNews = undefined;
        resolve(event === undefined ? position : event.position - 1);
      };
      subscriber.onNews = () => {
        stopWaiting();
        done();
      };
      const stopWaiting =
        stream === undefined
          ? this.#tail.whenAfter(position, done)
          : this.#tail.whenAfterIn(stream, position, done);
    });
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
