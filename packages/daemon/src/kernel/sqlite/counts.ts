/** Index prefixes whose records are counted; beyond it everything is counted anew. */
const MOST_COUNTS = 256;

interface Counted {
  /** The encoded prefix: of whole parts, so it is one of the string too. */
  readonly prefix: string;
  count: number;
}

/**
 * How many records an index has under a prefix, once somebody asked: a page of a long list says how long the list is,
 * and counting is the longest part of it. A cache of this process, which owns the file: every key that comes or goes
 * moves it, and what was rolled back must be forgotten.
 */
export class Counts {
  readonly #counts = new Map<string, Counted[]>();
  #size = 0;

  get(kind: string, index: string, prefix: string): number | undefined {
    return this.#of(kind, index)?.find((counted) => counted.prefix === prefix)?.count;
  }

  set(kind: string, index: string, prefix: string, count: number): void {
    if (this.#size >= MOST_COUNTS) this.forget();
    const known = this.#of(kind, index);
    if (known === undefined) this.#counts.set(nameOf(kind, index), [{ prefix, count }]);
    else known.push({ prefix, count });
    this.#size += 1;
  }

  /** A key was added (1) or removed (-1). */
  moved(kind: string, index: string, key: string, by: 1 | -1): void {
    for (const counted of this.#of(kind, index) ?? []) {
      if (key.startsWith(counted.prefix)) counted.count += by;
    }
  }

  forget(): void {
    this.#counts.clear();
    this.#size = 0;
  }

  #of(kind: string, index: string): Counted[] | undefined {
    return this.#counts.get(nameOf(kind, index));
  }
}

function nameOf(kind: string, index: string): string {
  return `${kind.length} ${kind}${index}`;
}
