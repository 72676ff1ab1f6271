/** What became of the rows of a draft. */
export interface Changes<Row> {
  readonly added: Row[];
  readonly updated: { readonly before: Row; readonly now: Row }[];
  readonly removed: Row[];
}

/**
 * The rows that a flush has locked, and what becomes of them. Operations work on the draft alone, so a refused
 * commit is undone without the server (K2), and a row that many commits change is written once.
 * A row is never changed in place: another takes its place.
 */
export class Draft<Row> {
  readonly #before = new Map<string, Row>();
  readonly #now = new Map<string, Row>();
  #undo: { key: string; row: Row | undefined }[] = [];

  /** A row as it is stored. */
  load(key: string, row: Row): void {
    this.#before.set(key, row);
    this.#now.set(key, row);
  }

  get(key: string): Row | undefined {
    return this.#now.get(key);
  }

  /** Whether the row was there before or is there now. */
  isKnown(key: string): boolean {
    return this.#before.has(key) || this.#now.has(key);
  }

  /** The rows as they are stored. */
  loaded(): Row[] {
    return [...this.#before.values()];
  }

  rows(): Row[] {
    return [...this.#now.values()];
  }

  put(key: string, row: Row): void {
    this.#remember(key);
    this.#now.set(key, row);
  }

  remove(key: string): void {
    this.#remember(key);
    this.#now.delete(key);
  }

  /** Whatever was changed since the last `accept` or `revert` belongs to a commit that lands. */
  accept(): void {
    this.#undo = [];
  }

  /** Whatever was changed since the last `accept` or `revert` belongs to a commit that is refused. */
  revert(): void {
    for (const { key, row } of this.#undo.reverse()) {
      if (row === undefined) this.#now.delete(key);
      else this.#now.set(key, row);
    }
    this.#undo = [];
  }

  changes(): Changes<Row> {
    const changes: Changes<Row> = { added: [], updated: [], removed: [] };
    for (const [key, now] of this.#now) {
      const before = this.#before.get(key);
      if (before === undefined) changes.added.push(now);
      else if (before !== now) changes.updated.push({ before, now });
    }
    for (const [key, before] of this.#before) if (!this.#now.has(key)) changes.removed.push(before);
    return changes;
  }

  #remember(key: string): void {
    this.#undo.push({ key, row: this.#now.get(key) });
  }
}

/** The key of a row that two strings name, whatever they hold. */
export function pairKey(first: string, second: string): string {
  return `${first.length} ${first}${second}`;
}
