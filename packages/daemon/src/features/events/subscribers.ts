import type { StreamEvent } from "@kheish/contract";
import { type ModelDelta, recorded, runOf, sessionStream } from "../../engine/index.ts";
import type { ToldActions } from "../../governance/audit/index.ts";
import type { StoredEvent } from "../../kernel/store.ts";
import type { SseFrame } from "../binding.ts";

export type StreamScope =
  | { kind: "global"; sessionId?: string; runId?: string }
  | { kind: "session"; sessionId: string }
  | { kind: "run"; runId: string };

export type Delta = ModelDelta & { session_id: string; run_id: string; turn: number };

/** Token deltas a slow consumer may have waiting; beyond it the oldest go, the message itself follows whole. */
const MAX_WAITING_DELTAS = 1_000;
/** The same of external actions, whose history is the audit. */
const MAX_WAITING_ACTIONS = 1_000;

/** All consumers, by what they look at: what happens in one session does not go through those of the others. */
export class Subscribers {
  readonly #ofAll = new Set<Subscriber>();
  readonly #ofStream = new Map<string, Set<Subscriber>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(subscriber: Subscriber): void {
    this.#count += 1;
    const { stream } = subscriber;
    if (stream === undefined) this.#ofAll.add(subscriber);
    else this.#ofStream.set(stream, (this.#ofStream.get(stream) ?? new Set()).add(subscriber));
  }

  delete(subscriber: Subscriber): void {
    this.#count -= 1;
    const { stream } = subscriber;
    const others = stream === undefined ? this.#ofAll : this.#ofStream.get(stream);
    others?.delete(subscriber);
    if (stream !== undefined && others?.size === 0) this.#ofStream.delete(stream);
  }

  /** Those who may want to hear of a session; a scope has further conditions. */
  *of(sessionId: string): Iterable<Subscriber> {
    yield* this.#ofAll;
    yield* this.#ofStream.get(sessionStream(sessionId)) ?? [];
  }
}

/** One consumer: what it wants to see, and what waits for it that is no history. */
export class Subscriber {
  readonly #scope: StreamScope;
  /** The stream of the one session all its events are of, when there is one. */
  readonly stream: string | undefined;
  #deltas: Delta[] = [];
  #actions: SseFrame[] = [];
  onNews: (() => void) | undefined;

  constructor(scope: StreamScope, sessionOfRun: string | undefined) {
    this.#scope = scope;
    const sessionId = sessionOfRun ?? (scope.kind === "run" ? undefined : scope.sessionId);
    this.stream = sessionId === undefined ? undefined : sessionStream(sessionId);
  }

  get #runId(): string | undefined {
    return this.#scope.kind === "session" ? undefined : this.#scope.runId;
  }

  /** Whether it happened where this consumer looks. */
  isOf(event: StoredEvent): boolean {
    return this.stream === undefined || event.stream === this.stream;
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

  /** What was done in a session that this consumer looks at. */
  offerActions({ run_id }: ToldActions, frames: readonly SseFrame[]): void {
    if (this.#runId !== undefined && run_id !== this.#runId) return;
    this.#actions.push(...frames);
    this.#actions.splice(0, this.#actions.length - MAX_WAITING_ACTIONS);
    this.onNews?.();
  }

  takeActions(): SseFrame[] {
    return this.#actions.splice(0);
  }

  /** What a model said in a session that this consumer looks at. */
  offer(delta: Delta): void {
    if (this.#runId !== undefined && delta.run_id !== this.#runId) return;
    this.#deltas.push(delta);
    if (this.#deltas.length > MAX_WAITING_DELTAS) this.#deltas.shift();
    this.onNews?.();
  }

  /** The message itself has come: its deltas have nothing left to say. */
  forget(stored: StoredEvent): void {
    if (this.#deltas.length === 0) return;
    this.#deltas = this.#deltas.filter((delta) => !holds(stored, delta));
  }

  takeDeltas(): SseFrame[] {
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas.map((delta) => ({ event: "output_delta", data: { type: "output_delta", ...delta } }));
  }
}

/** Whether an event is a message of which this was a piece, or one that came after it. */
export function holds(stored: StoredEvent, { run_id, turn }: Delta): boolean {
  const event = recorded(stored);
  return event.type === "message_appended" && event.data.run_id === run_id && turn <= event.data.turn;
}
