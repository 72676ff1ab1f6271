import type { Committed } from "../store.ts";
import { Draft } from "./draft.ts";
import type { EncodedAppend, EncodedEvent } from "./encode.ts";
import type { KnownRows } from "./known.ts";
import { BulkStatement, type Session, Statement } from "./statement.ts";

export interface Stream {
  readonly name: string;
  readonly lastSeq: number;
}
export interface AppendedEvent extends EncodedEvent {
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
/**
 * A position is one more than the newest that is visible, and unique: it cannot become visible before those below it,
 * whoever wrote them (K4). The lock, which is held until the commit is visible, keeps daemons from choosing the same
 * one and beginning again. It is taken last: nothing but the events and the commit is waited for behind it.
 */
const moveStreams = new Statement<[string[], number[]]>(
  "journal.move-streams",
  `WITH moved AS (
     UPDATE streams SET last_seq = w.last_seq
     FROM unnest($1::text[], $2::bigint[]) AS w (name, last_seq) WHERE streams.name = w.name)
   SELECT pg_advisory_xact_lock(hashtextextended('kheish.positions.' || current_schema(), 0))`,
);
/** Answers the position that the events begin behind. A statement of its own: it must not see less than the lock lets it. */
const addEvents = new Statement<[string[], number[], string[], number[], string[]], { position: number }>(
  "journal.add-events",
  `WITH newest AS MATERIALIZED (SELECT coalesce(max(position), 0) AS position FROM events),
   added AS (
     INSERT INTO events (position, stream_id, seq, type, at_ms, data)
     SELECT newest.position + w.number, streams.id, w.seq, w.type, w.at_ms, w.data
     FROM newest,
       unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
         WITH ORDINALITY AS w (stream, seq, type, at_ms, data, number)
       JOIN streams ON streams.name = w.stream)
   SELECT position FROM newest`,
);

/** What a flush appends. Seqs are given here (K3), positions by the server when the flush is written. */
export class JournalDraft {
  readonly #wanted = new Set<string>();
  readonly #streams = new Draft<Stream>();
  readonly #events: AppendedEvent[] = [];
  #accepted = 0;

  want(stream: string): void {
    this.#wanted.add(stream);
  }

  async load(session: Session): Promise<void> {
    if (this.#wanted.size === 0) return;
    for (const stream of await lockStreams.run(session, [...this.#wanted]))
      this.#streams.load(stream.name, stream);
  }

  /** As `load`, without asking; false when not all that is wanted is known. */
  assume(known: KnownRows<Stream>): boolean {
    for (const name of this.#wanted) {
      const stream = known.get(name);
      if (stream === undefined) return false;
      this.#streams.load(name, stream);
    }
    return true;
  }

  /** What was assumed. */
  loaded(): Stream[] {
    return this.#streams.loaded();
  }

  remember(known: KnownRows<Stream>): void {
    for (const stream of this.#streams.rows()) known.remember(stream.name, stream);
  }

  forget(known: KnownRows<Stream>): void {
    for (const name of this.#wanted) known.forget(name);
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
    const moved = updated.map(({ now }) => now);
    const events = this.#events;
    const [, , [newest]] = await Promise.all([
      addStreams.run(session, added),
      moveStreams.run(
        session,
        moved.map(({ name }) => name),
        moved.map(({ lastSeq }) => lastSeq),
      ),
      addEvents.run(
        session,
        events.map(({ stream }) => stream),
        events.map(({ seq }) => seq),
        events.map(({ type }) => type),
        events.map(({ atMs }) => atMs),
        events.map(({ json }) => json),
      ),
    ]);
    return newest?.position ?? 0;
  }

  /** What was appended, in the order of its positions. */
  get appended(): readonly AppendedEvent[] {
    return this.#events;
  }
}
