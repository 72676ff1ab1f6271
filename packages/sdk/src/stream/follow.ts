import type { DaemonStatusView, RunView } from "@kheish/contract";
import { table } from "../endpoints/table.ts";
import { queryOf } from "../endpoints/url.ts";
import { KheishConnectionError, KheishProblem, KheishProtocolError } from "../errors.ts";
import type { Settings } from "../options.ts";
import { isTerminal } from "../run-status.ts";
import { sleep } from "../transport/deadline.ts";
import { isPassing, pause } from "../transport/retry.ts";
import { send } from "../transport/send.ts";
import { connect, type StreamFrame } from "./connection.ts";

export interface StreamSource {
  readonly settings: Settings;
  readonly path: string;
  readonly query: {
    readonly cursor?: unknown;
    readonly snapshot?: unknown;
    readonly until?: unknown;
  };
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Hears when the daemon took the stream, and when it is gone for now. */
  readonly onConnection?: ((state: "open" | "lost", error?: Error) => void) | undefined;
}

/**
 * The frames of a stream, across restarts of the daemon and cuts of the network, each event once.
 * The journal's positions are the ids: after a loss the stream goes on behind the last one that was seen.
 */
export async function* follow(source: StreamSource, signal: AbortSignal): AsyncGenerator<StreamFrame, void> {
  const place = new Place(source);
  const patience = new Patience(source.settings);
  for (;;) {
    let frames = 0;
    try {
      await place.anchor(signal);
      for await (const item of connect(source.settings, place.request(), signal)) {
        if (item === "open") {
          patience.connected();
          source.onConnection?.("open");
          continue;
        }
        // Only a frame proves that the daemon is back: one that accepts and closes must not be hammered.
        patience.heard();
        if (item.data.type === "heartbeat") continue;
        frames += 1;
        if (place.take(item)) yield item;
        if (place.isEnd(item)) return;
      }
      if (frames === 0 && (await place.hasNothingLeft(signal))) return;
      throw new KheishConnectionError("the daemon closed the stream", { mayHaveArrived: true });
    } catch (error) {
      signal.throwIfAborted();
      const delay = patience.afterLoss(error);
      source.onConnection?.("lost", error as Error);
      await sleep(source.settings.machine, delay, signal);
    }
  }
}

/** Where in the journal the stream stands, and how to come back there. */
class Place {
  readonly #source: StreamSource;
  #lastId: string | undefined;
  /**
   * A stream that starts "now" learns first where that is; else what happens before its first event would be lost
   * with the connection.
   */
  readonly #startsNow: boolean;
  readonly #isGlobal: boolean;
  #awaitsSnapshot = false;
  #wasOver = false;

  constructor(source: StreamSource) {
    const { cursor, snapshot } = source.query;
    this.#source = source;
    this.#isGlobal = source.path === table.eventsStream.path;
    this.#startsNow = cursor === undefined && (snapshot === undefined || String(snapshot) !== "true");
  }

  /** Finds the journal's end for a stream of the whole daemon; the others' snapshot says it. */
  async anchor(signal: AbortSignal): Promise<void> {
    if (!this.#startsNow || !this.#isGlobal || this.#lastId !== undefined) return;
    const status = await this.#read<DaemonStatusView>(table.status.path, signal).catch((error: unknown) => {
      // Who may watch one session is not told about the daemon, and starts where the daemon starts it.
      if (error instanceof KheishProblem && error.status === 403) return undefined;
      throw error;
    });
    this.#lastId = status?.events.tail_event_id_cursor;
  }

  request(): { path: string; headers: Record<string, string> } {
    const { path, query, headers } = this.#source;
    if (this.#lastId !== undefined) {
      // A resumed stream goes on where it broke; a snapshot would jump over what happened since.
      const resumed = queryOf({ ...query, cursor: undefined, snapshot: undefined });
      return { path: path + resumed, headers: { ...headers, "last-event-id": this.#lastId } };
    }
    this.#awaitsSnapshot = this.#startsNow && !this.#isGlobal;
    const asked = this.#awaitsSnapshot ? { ...query, snapshot: "true" } : query;
    return { path: path + queryOf(asked), headers: { ...headers } };
  }

  /** Notes where the stream stands now; false for a frame that nobody asked for. */
  take(frame: StreamFrame): boolean {
    const { id } = frame;
    if (id === undefined) return true;
    if (this.#lastId !== undefined && BigInt(id) <= BigInt(this.#lastId)) {
      throw new KheishProtocolError(
        `event ${id} came after event ${this.#lastId}: the daemon's journal is not the one that this stream began with (was it restored?); start again from its beginning`,
      );
    }
    this.#lastId = id;
    const isAnchor = this.#awaitsSnapshot;
    this.#awaitsSnapshot = false;
    return !isAnchor || this.isEnd(frame);
  }

  /** The run is over, and the stream was to last until then. */
  isEnd({ data }: StreamFrame): boolean {
    return this.#endsWithRun && data.type === "run_updated" && isTerminal(data.run.status);
  }

  /**
   * Whether a connection that closed without a frame did so because the run was over and all was told before: it was
   * known to be over when the connection was opened. A daemon that drains closes like that, too.
   */
  async hasNothingLeft(signal: AbortSignal): Promise<boolean> {
    if (!this.#endsWithRun || this.#wasOver) return this.#wasOver;
    const run = await this.#read<RunView>(this.#source.path.replace(/\/stream$/, ""), signal);
    this.#wasOver = isTerminal(run.status);
    return false;
  }

  get #endsWithRun(): boolean {
    return this.#source.query.until === "terminal";
  }

  async #read<T>(path: string, signal: AbortSignal): Promise<T> {
    const { settings, headers } = this.#source;
    const options = { repeatability: "repeatable", signal, maxRetries: 0 } as const;
    const { text } = await send(settings, { method: "GET", path, headers }, options);
    return JSON.parse(text) as T;
  }
}

/** How long a daemon that went away is waited for. One that was never there is asked a few times only. */
class Patience {
  readonly #settings: Settings;
  #wasConnected = false;
  #lostSince: number | undefined;
  #attempts = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  connected(): void {
    this.#wasConnected = true;
  }

  heard(): void {
    this.#lostSince = undefined;
    this.#attempts = 0;
  }

  /** How long to wait before the next attempt; throws the error when there is none. */
  afterLoss(error: unknown): number {
    const { machine, maxRetries, reconnectWithinMs } = this.#settings;
    const attempt = this.#attempts++;
    this.#lostSince ??= machine.now();
    const isPatient = this.#wasConnected
      ? machine.now() - this.#lostSince < reconnectWithinMs
      : attempt < maxRetries;
    if (!isPassing(error) || !isPatient) throw error;
    return pause(error, attempt, machine.random());
  }
}
