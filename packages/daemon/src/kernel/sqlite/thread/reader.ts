import { openToRead } from "../database.ts";
import { SqliteReads } from "../reads.ts";

/**
 * Reads a file that another thread writes to: what is committed there is seen here at once, and a read waits neither for
 * that thread nor for its disk.
 */
export class SqliteReader extends SqliteReads {
  constructor(path: string) {
    super(openToRead(path), path);
  }

  close(): void {
    this.db.close();
  }

  protected override read<T>(answer: () => T): T {
    // Where streams end is known to the one who writes only.
    this.journal.forget();
    return super.read(answer);
  }
}
