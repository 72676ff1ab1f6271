import { type Client, escapeIdentifier } from "pg";
import { type Clock, sleep } from "../clock.ts";
import type { Connector } from "./connector.ts";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;

/**
 * Hears from the server that someone committed, on a connection of its own that is made again whenever it ends.
 * It hurries those who read; they never depend on it.
 */
export class Listener {
  readonly #connector: Connector;
  readonly #clock: Clock;
  readonly #onNews: (processId: number | undefined) => void;
  readonly #closing = new AbortController();
  #listening: Promise<void> | undefined;

  /** `onNews` is called with the process that committed; with none when news may have been missed. */
  constructor(connector: Connector, clock: Clock, onNews: (processId: number | undefined) => void) {
    this.#connector = connector;
    this.#clock = clock;
    this.#onNews = onNews;
  }

  start(): void {
    this.#listening ??= this.#listen();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#listening;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const client = await this.#connector.connect().catch(() => undefined);
      if (client !== undefined) {
        failures = 0;
        await this.#follow(client, signal);
      }
      await sleep(this.#clock, Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS), signal);
    }
  }

  /** Returns when the connection has ended. */
  async #follow(client: Client, signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => client.once("end", resolve));
    const end = () => void client.end();
    signal.addEventListener("abort", end, { once: true });
    // Closed while the connection was being made: nothing will say so any more.
    if (signal.aborted) end();
    client.on("notification", ({ processId }) => this.#onNews(processId));
    try {
      await client.query(`LISTEN ${escapeIdentifier(this.#connector.schema)}`);
      this.#onNews(undefined);
      await ended;
    } catch {
      end();
    } finally {
      signal.removeEventListener("abort", end);
    }
  }
}
