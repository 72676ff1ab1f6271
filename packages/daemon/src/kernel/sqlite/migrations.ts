/** One step of the schema. Its text is frozen once released: a change is a new migration. */
export interface Migration {
  version: number;
  sql: string;
}

/**
 * Version 1.
 *
 * - `events` is a rowid table: appending to the right edge of one tree costs a third of what a table clustered
 *   by stream does. The index on `(stream_id, seq)` holds the position too, so a stream can be searched by either.
 * - `record_index` holds one row per index key of a record; `records.keys` repeats them, so that a put
 *   touches only the ones that changed.
 * - `queue_items.ready_at_ms` is `due_at_ms` while unclaimed and the claim's expiry while claimed: one index
 *   answers both what is due and what was left behind. `again_at_ms` is set when a claimed item is enqueued.
 */
const FIRST = `
CREATE TABLE streams (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_stream ON events (stream_id, seq);

CREATE TABLE records (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  data TEXT NOT NULL,
  keys TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;

CREATE TABLE record_index (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (kind, name, key, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_items (
  queue TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  due_at_ms INTEGER NOT NULL,
  ready_at_ms INTEGER NOT NULL,
  again_at_ms INTEGER,
  attempts INTEGER NOT NULL,
  token INTEGER NOT NULL,
  owner TEXT,
  last_error TEXT,
  PRIMARY KEY (queue, key)
) STRICT;
CREATE INDEX queue_items_ready ON queue_items (queue, ready_at_ms);
CREATE INDEX queue_items_claimed ON queue_items (owner) WHERE owner IS NOT NULL;

CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  key TEXT NOT NULL,
  payload TEXT NOT NULL,
  due_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  last_error TEXT,
  UNIQUE (queue, key)
) STRICT;
CREATE INDEX dead_letters_by_age ON dead_letters (queue, id);

CREATE TABLE leases (
  name TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_by_owner ON leases (owner);

CREATE TABLE sequences (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

export const MIGRATIONS: readonly Migration[] = [{ version: 1, sql: FIRST }];
