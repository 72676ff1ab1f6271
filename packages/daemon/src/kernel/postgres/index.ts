import { type Clock, systemClock } from "../clock.ts";
import type { Store } from "../store.ts";
import { Connector } from "./connector.ts";
import { migrate } from "./schema.ts";
import { PostgresStore } from "./store.ts";

export interface PostgresOptions {
  /** A connection string; connections must be sessions, not shared by a pooler between transactions. */
  url: string;
  /** The database schema that holds the store; made when it is not there. */
  schema?: string;
  /** Dates the migrations and paces reconnecting. */
  clock?: Clock;
}

/** Opens the scale-out store. */
export async function openPostgresStore({
  url,
  schema = "kheish",
  clock = systemClock,
}: PostgresOptions): Promise<Store> {
  const connector = new Connector(url, schema);
  const schemaVersion = await migrate(connector, clock.now());
  return new PostgresStore(connector, schemaVersion, clock);
}
export { openPostgresSnapshot, openPostgresTarget } from "./snapshot.ts";
