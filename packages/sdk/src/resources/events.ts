import { table } from "../endpoints/table.ts";
import { EventStream } from "../stream/event-stream.ts";
import type { Connection } from "./run.ts";
import { cursorOf, type StreamOptions } from "./stream-options.ts";

export interface EventFilter extends StreamOptions {
  session_id?: string | undefined;
  run_id?: string | undefined;
}

export class Events {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** What happens in the whole daemon; from now on, unless said otherwise. */
  stream({ cursor = "now", session_id, run_id, ...rest }: EventFilter = {}): EventStream {
    const query = { cursor: cursorOf(cursor), session_id, run_id };
    const { settings } = this.#connection;
    return new EventStream({ settings, path: table.eventsStream.path, query, ...rest });
  }
}
