import { formsOf } from "./encodings.ts";

/** Below this a secret is taken out only where it stands alone: as a part of words it would blank innocent ones. */
const MIN_ANYWHERE = 6;
/** Below this it cannot be told from any other text. Also how much of a needle its table is looked up by. */
const MIN_ALONE = 4;
const TABLE_BITS = 16;
const TABLE_MASK = (1 << TABLE_BITS) - 1;
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
  readonly #begins = new Uint8Array(1 << TABLE_BITS);
  readonly #byHead = new Map<string, Needle[]>();

  constructor(secrets: Iterable<string>) {
    const anywhere = new Set<string>();
    const alone = new Set<string>();
    for (const secret of secrets) {
      const trimmed = secret.trim();
      if (trimmed.length >= MIN_ANYWHERE) {
        for (const form of [...formsOf(secret), ...formsOf(trimmed)]) anywhere.add(form);
      } else if (trimmed.length >= MIN_ALONE) alone.add(trimmed);
    }
    for (const text of anywhere) this.#add({ text, isAlone: false });
    for (const text of alone) this.#add({ text, isAlone: true });
    for (const needles of this.#byHead.values()) needles.sort((a, b) => b.text.length - a.text.length);
  }

  /** The text with `mark` in the place of each needle; what overlaps goes together. */
  replaceIn(text: string, mark: string): string {
    if (this.#byHead.size === 0) return text;
    const pieces: string[] = [];
    let kept = 0;
    let hit: { from: number; to: number } | undefined;
    for (let at = 0; at <= text.length - MIN_ALONE; at++) {
      if (this.#begins[headHash(text, at)] === 0) continue;
      const to = this.#matchAt(text, at);
      if (to === undefined) continue;
      if (hit !== undefined && at < hit.to) {
        hit.to = Math.max(hit.to, to);
        continue;
      }
      if (hit !== undefined) {
        pieces.push(text.slice(kept, hit.from), mark);
        kept = hit.to;
      }
      hit = { from: at, to };
    }
    if (hit === undefined) return text;
    return [...pieces, text.slice(kept, hit.from), mark, text.slice(hit.to)].join("");
  }

  #add(needle: Needle): void {
    const head = needle.text.slice(0, MIN_ALONE);
    this.#begins[headHash(needle.text, 0)] = 1;
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

function standsAlone(text: string, at: number, needle: string): boolean {
  return !WORD.test(text[at - 1] ?? "") && !WORD.test(text[at + needle.length] ?? "");
}

function headHash(text: string, at: number): number {
  let hash = 0;
  for (let index = at; index < at + MIN_ALONE; index++) hash = (hash * 31 + text.charCodeAt(index)) | 0;
  return (hash ^ (hash >>> TABLE_BITS)) & TABLE_MASK;
}
