import { Client, type ClientConfig, escapeIdentifier, Pool, TypeOverrides } from "pg";
import { connectFailure } from "./errors.ts";
import type { Session } from "./statement.ts";
import { fromText } from "./text.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** For a server that has gone silent; later than its own timeout, which says more. */
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 10_000;
/** How long a daemon that was paused in the middle of a commit may keep its rows locked. */
const IDLE_IN_TRANSACTION_MS = 5_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
const MAX_READERS = 4;

/** Object ids of the types that we read in our own way: numbers that fit, and escaped text. */
const INT8 = 20;
const TEXT = 25;

/** Makes connections to one schema of one database, all of them with the same settings. */
export class Connector {
  readonly schema: string;
  readonly #config: ClientConfig;

  constructor(url: string, schema: string) {
    const types = new TypeOverrides();
    types.setTypeParser(INT8, Number);
    types.setTypeParser(TEXT, fromText);
    this.schema = schema;
    this.#config = {
      connectionString: url,
      application_name: "kheish",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
      types,
    };
  }

  /** One connection. That it ended is told by its `end` event, and by the failure of whatever it was doing. */
  async connect(overrides: ClientConfig = {}): Promise<Client> {
    const client = new Client({ ...this.#config, ...overrides });
    client.on("error", () => undefined);
    try {
      await client.connect();
      await prepareSession(client, this.schema);
      return client;
    } catch (error) {
      await client.end();
      throw connectFailure(error);
    }
  }

  pool(): Pool {
    const pool = new Pool({
      ...this.#config,
      max: MAX_READERS,
      onConnect: (client) => prepareSession(client, this.schema),
    });
    return pool.on("error", () => undefined);
  }
}

/**
 * Every statement of ours is a walk along an index. The planner is told so, because a plan that was cached while
 * a table was small would scan it when it is not. And it plans each of them once: left to itself it takes arrays that
 * are shorter than it would guess for a reason to plan anew at every call, which costs more than the call. A commit
 * that was answered is on disk (K1), whatever the server's default.
 */
async function prepareSession(session: Session, schema: string): Promise<void> {
  await session.query({
    text: `
      SET search_path = ${escapeIdentifier(schema)};
      SET plan_cache_mode = force_generic_plan;
      SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
      SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`,
  });
}
