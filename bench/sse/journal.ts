import { DatabaseSync } from "node:sqlite";

/** The positions of a run's events, from the file itself: what each subscriber should have been given, once. */
export class Journal {
  readonly #db: DatabaseSync;
  readonly #positions;

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { readOnly: true });
    this.#positions = this.#db.prepare(
      `SELECT position FROM events JOIN streams ON streams.id = stream_id
       WHERE name = ? AND json_extract(data, '$.run_id') = ? ORDER BY position`,
    );
  }

  positionsOf(session: string, runId: string): number[] {
    const rows = this.#positions.all(`session/${session}`, runId) as { position: number }[];
    return rows.map((row) => row.position);
  }

  close(): void {
    this.#db.close();
  }
}
