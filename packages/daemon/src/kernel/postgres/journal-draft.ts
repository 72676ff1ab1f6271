import type { Committed } from "../store.ts";
import { Draft } from "./draft.ts";
import type { EncodedAppend, EncodedEvent } from "./encode.ts";
import { newestPosition } from "./journal.ts";
import { BulkStatement, type Session, Statement } from "./statement.ts";

interface Stream {
  readonly name: string;
  readonly lastSeq: number;
}
interface Event extends EncodedEvent {
  readonly stream: string;
  readonly seq: number;
}

const lockStreams = new Statement<[string[]], Stream>(
  "journal.lock-streams",
  `SELECT name, last_seq AS "lastSeq" FROM streams WHERE name = ANY ($1::text[]) ORDER BY name FOR UPDATE`,
);
const addStreams = new BulkStatement<Stream>(
  "journal.add-streams",
  `INSERT INTO streams (name, last_seq)
   SELECT * FROM unnest($1::text[], $2::bigint[]) AS w (name, last_seq) ORDER BY w.name COLLATE "C"`,
  ({ name, lastSeq }) => [name, lastSeq],
);
const moveStreams = new BulkStatement<Stream>(
  "journal.move-streams",
  `UPDATE streams SET last_seq = w.last_seq
   FROM unnest($1::text[], $2::bigint[]) AS w (name, last_seq) WHERE streams.name = w.name`,
  ({ name, lastSeq }) => [name, lastSeq],
);
/**
 * A position is one more than the newest that is visible, and unique: it cannot become visible before those below it,
 * whoever wrote them (K4). The lock, which is held until the commit is visible, keeps daemons from choosing the same
 * one and beginning again. It is taken last: nothing but the events and the commit is waited for behind it.
 */
const lockPositions = new Statement(
  "journal.lock-positions",
  "SELECT pg_advisory_xact_lock(hashtextextended('kheish.positions.' || current_schema(), 0))",
);
const addEvents = new BulkStatement<Event>(
  "journal.add-events",
  `INSERT INTO events (position, stream_id, seq, type, at_ms, data)
   SELECT newest.position + w.number, streams.id, w.seq, w.type, w.at_ms, w.data
   FROM (SELECT coalesce(max(position), 0) AS position FROM events) AS newest,
     unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
       WITH ORDINALITY AS w (stream, seq, type, at_ms, data, number)
     JOIN streams ON streams.name = w.stream`,
  ({ stream, seq, type, atMs, json }) => [stream, seq, type, atMs, json],
);

/** What a flush appends. Seqs are given here (K3), positions by the server when the flush is written. */
export class JournalDraft {
  readonly #wanted = new Set<string>();
  readonly #streams = new Draft<Stream>();
  readonly #events: Event[] = [];
  #accepted = 0;

  want(stream: string): void {
    this.#wanted.add(stream);
  }

  async load(session: Session): Promise<void> {
    if (this.#wanted.size === 0) return;
    for (const stream of await lockStreams.run(session, [...this.#wanted]))
      this.#streams.load(stream.name, stream);
  }

  /** Undefined when the stream does not end at `expectedSeq`. `lastPosition` counts from where the flush begins. */
  append({ stream, events, expectedSeq }: EncodedAppend): Committed["appended"][number] | undefined {
    const before = this.#streams.get(stream)?.lastSeq ?? 0;
    if (expectedSeq !== undefined && expectedSeq !== before) return undefined;
    for (const [index, event] of events.entries())
      this.#events.push({ ...event, stream, seq: before + index + 1 });
    const lastSeq = before + events.length;
    this.#streams.put(stream, { name: stream, lastSeq });
    return { firstSeq: before + 1, lastSeq, lastPosition: this.#events.length };
  }

  accept(): void {
    this.#streams.accept();
    this.#accepted = this.#events.length;
  }

  revert(): void {
    this.#streams.revert();
    this.#events.length = this.#accepted;
  }

  /** Answers the position that the flush begins behind. */
  async write(session: Session): Promise<number> {
    const { added, updated } = this.#streams.changes();
    if (added.length + updated.length === 0) return 0;
    const [, , , [newest]] = await Promise.all([
      addStreams.run(session, added),
      moveStreams.run(
        session,
        updated.map(({ now }) => now),
      ),
      lockPositions.run(session),
      newestPosition.run(session),
      addEvents.run(session, this.#events),
    ]);
    return newest?.position ?? 0;
  }
}
