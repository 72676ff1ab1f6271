import { formsOf } from "./encodings.ts";

/** Below this a secret is taken out only where it stands alone: as a part of words it would blank innocent ones. */
const MIN_ANYWHERE = 6;
/** Below this it cannot be told from any other text. Also how much of a needle its table is looked up by. */
const MIN_ALONE = 4;
/** Four characters at five bits each: a character leaves the hash as the fourth after it comes in. */
const BITS = 5;
const TABLE_MASK = (1 << (BITS * MIN_ALONE)) - 1;
const WORD = /[A-Za-z0-9_]/;

interface Needle {
  text: string;
  isAlone: boolean;
}

/**
 * Finds any of many texts in one pass, however many they are: tool outputs are large and a daemon may hold hundreds of
 * secrets, each in a dozen encodings. A table says of nearly every place in a text that no needle begins there.
 */
export class Needles {
  readonly #begins = new Uint8Array(TABLE_MASK + 1);
  readonly #byHead = new Map<string, Needle[]>();
  /** What is too short for the table: the first letters of all needles, one, two and three of them. */
  readonly #shortest = new Set<string>();
  #longest = 0;

  /** `spelled` says how a text is written where the needles are looked for. */
  constructor(secrets: Iterable<string>, spelled: (text: string) => string = (text) => text) {
    const anywhere = new Set<string>();
    const alone = new Set<string>();
    for (const secret of secrets) {
      const trimmed = secret.trim();
      if (trimmed.length >= MIN_ANYWHERE) {
        for (const form of [...formsOf(secret), ...formsOf(trimmed)]) anywhere.add(form);
      } else if (trimmed.length >= MIN_ALONE) alone.add(trimmed);
    }
    for (const text of anywhere) this.#add({ text: spelled(text), isAlone: false });
    for (const text of alone) this.#add({ text: spelled(text), isAlone: true });
    for (const needles of this.#byHead.values()) needles.sort((a, b) => b.text.length - a.text.length);
  }

  /** The length of the longest needle: a match never takes more. */
  get longest(): number {
    return this.#longest;
  }

  /** Where needles are, in order; what overlaps is one. */
  spansIn(text: string): Span[] {
    const spans: Span[] = [];
    if (this.#byHead.size === 0) return spans;
    let last: Span | undefined;
    let hash = 0;
    for (let end = 0; end < text.length; end++) {
      hash = rolled(hash, text.charCodeAt(end));
      const at = end + 1 - MIN_ALONE;
      if (at < 0 || this.#begins[hash] === 0) continue;
      const to = this.#matchAt(text, at);
      if (to === undefined) continue;
      if (last !== undefined && at < last.to) last.to = Math.max(last.to, to);
      else {
        last = { from: at, to };
        spans.push(last);
      }
    }
    return spans;
  }

  /** The text with `mark` in the place of each needle. */
  replaceIn(text: string, mark: string): string {
    const spans = this.spansIn(text);
    return spans.length === 0 ? text : replaced(text, spans, mark);
  }

  /** Where a needle may have begun whose end is still to come; the text's length where none has. */
  begunAt(text: string): number {
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at++) {
      const tail = text.slice(at);
      const isBegun =
        tail.length < MIN_ALONE
          ? this.#shortest.has(tail)
          : this.#byHead.get(tail.slice(0, MIN_ALONE))?.some((needle) => needle.text.startsWith(tail)) ===
            true;
      if (isBegun) return at;
    }
    return text.length;
  }

  #add(needle: Needle): void {
    for (let length = 1; length < MIN_ALONE; length++) this.#shortest.add(needle.text.slice(0, length));
    const head = needle.text.slice(0, MIN_ALONE);
    this.#begins[headHash(needle.text)] = 1;
    this.#longest = Math.max(this.#longest, needle.text.length);
    const present = this.#byHead.get(head);
    if (present === undefined) this.#byHead.set(head, [needle]);
    else present.push(needle);
  }

  /** Where the longest needle that begins here ends. */
  #matchAt(text: string, at: number): number | undefined {
    const found = this.#byHead
      .get(text.slice(at, at + MIN_ALONE))
      ?.find(
        (needle) =>
          text.startsWith(needle.text, at) && (!needle.isAlone || standsAlone(text, at, needle.text)),
      );
    return found && at + found.text.length;
  }
}

/** Both ends as in `slice`. */
export interface Span {
  from: number;
  to: number;
}

/** The text with `mark` in the place of each span. */
export function replaced(text: string, spans: readonly Span[], mark: string): string {
  let kept = 0;
  const pieces: string[] = [];
  for (const { from, to } of spans) {
    pieces.push(text.slice(kept, from), mark);
    kept = to;
  }
  return [...pieces, text.slice(kept)].join("");
}

function standsAlone(text: string, at: number, needle: string): boolean {
  return !WORD.test(text[at - 1] ?? "") && !WORD.test(text[at + needle.length] ?? "");
}

function headHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < MIN_ALONE; index++) hash = rolled(hash, text.charCodeAt(index));
  return hash;
}

function rolled(hash: number, code: number): number {
  return ((hash << BITS) ^ code) & TABLE_MASK;
}
