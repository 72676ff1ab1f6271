/** One step of the schema. Its text is frozen once released: a change is a new migration. */
export interface Migration {
  version: number;
  sql: string;
}

/**
 * Version 1.
 *
 * - Names and keys sort by bytes (`COLLATE "C"`). JSON is text: `json` would check it again and `jsonb` change it.
 * - `events` grows at the right edge of its heap and its primary key; the other index finds the events of a stream.
 * - `record_index` holds one row per index key of a record; `records.keys` repeats them, so that a put
 *   touches only the ones that changed.
 * - `queue_items.ready_at_ms` is the due time of an item that waits and the end of the claim of one that is claimed:
 *   one index answers both what is due and what was left behind. A dead letter has a `buried_no` instead.
 *   Items are numbered by `queue_item_ids`, claims and burials by `queue_numbers`.
 * - A lease that was released keeps its row, without an owner: its token must not be given again (K6).
 * - Rows that change often leave room in their page for the next version.
 */
const FIRST = `
CREATE TABLE streams (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  last_seq bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE events (
  position bigint PRIMARY KEY,
  stream_id bigint NOT NULL,
  seq bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  at_ms bigint NOT NULL,
  data text NOT NULL
);
CREATE UNIQUE INDEX events_by_stream ON events (stream_id, seq);

CREATE TABLE records (
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  revision bigint NOT NULL,
  data text NOT NULL,
  keys text NOT NULL,
  PRIMARY KEY (kind, id)
) WITH (fillfactor = 70);

CREATE TABLE record_index (
  kind text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  PRIMARY KEY (kind, name, key, id)
);

CREATE SEQUENCE queue_item_ids;
CREATE SEQUENCE queue_numbers;
CREATE TABLE queue_items (
  id bigint PRIMARY KEY,
  queue text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  payload text NOT NULL,
  due_at_ms bigint NOT NULL,
  ready_at_ms bigint,
  again_at_ms bigint,
  attempts bigint NOT NULL,
  token bigint NOT NULL,
  owner text COLLATE "C",
  last_error text,
  buried_no bigint,
  UNIQUE (queue, key),
  CHECK ((ready_at_ms IS NULL) = (buried_no IS NOT NULL)),
  CHECK (buried_no IS NULL OR owner IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX queue_items_ready ON queue_items (queue, ready_at_ms, id) WHERE ready_at_ms IS NOT NULL;
CREATE INDEX queue_items_claimed ON queue_items (owner) WHERE owner IS NOT NULL;
CREATE INDEX queue_items_buried ON queue_items (queue, buried_no) WHERE buried_no IS NOT NULL;

CREATE TABLE leases (
  name text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C",
  token bigint NOT NULL,
  expires_at_ms bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX leases_by_owner ON leases (owner) WHERE owner IS NOT NULL;

CREATE TABLE sequences (
  name text COLLATE "C" PRIMARY KEY,
  next bigint NOT NULL
) WITH (fillfactor = 70);
`;

export const MIGRATIONS: readonly Migration[] = [{ version: 1, sql: FIRST }];
