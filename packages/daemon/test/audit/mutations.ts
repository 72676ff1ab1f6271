/** Random from a seed, so that a mutation that is not found can be made again. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** Uniform in [0, sides). */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }
}

const NEWLINE = 10;

export const MUTATIONS = {
  byte_edited: (file: Buffer, dice: Dice) => {
    const at = dice.roll(file.length);
    const edited = Buffer.from(file);
    edited[at] = (Number(file[at]) + 1 + dice.roll(255)) % 256;
    return edited;
  },
  bit_flipped: (file: Buffer, dice: Dice) => {
    const at = dice.roll(file.length);
    const edited = Buffer.from(file);
    edited[at] = Number(file[at]) ^ (1 << dice.roll(8));
    return edited;
  },
  byte_dropped: (file: Buffer, dice: Dice) => {
    const at = dice.roll(file.length);
    return Buffer.concat([file.subarray(0, at), file.subarray(at + 1)]);
  },
  byte_added: (file: Buffer, dice: Dice) => {
    const at = dice.roll(file.length + 1);
    return Buffer.concat([file.subarray(0, at), Buffer.from([dice.roll(256)]), file.subarray(at)]);
  },
  truncated: (file: Buffer, dice: Dice) => file.subarray(0, dice.roll(file.length)),
  line_dropped: (file: Buffer, dice: Dice) =>
    onLines(file, (lines) => lines.toSpliced(dice.roll(lines.length), 1)),
  line_repeated: (file: Buffer, dice: Dice) =>
    onLines(file, (lines) => {
      const at = dice.roll(lines.length);
      return lines.toSpliced(dice.roll(lines.length), 0, lines[at] ?? "");
    }),
  lines_swapped: (file: Buffer, dice: Dice) =>
    onLines(file, (lines) => {
      const a = dice.roll(lines.length);
      const b = (a + 1 + dice.roll(lines.length - 1)) % lines.length;
      return lines.with(a, lines[b] ?? "").with(b, lines[a] ?? "");
    }),
  page_dropped: (file: Buffer, dice: Dice) =>
    onPages(file, (pages) => pages.toSpliced(dice.roll(pages.length), 1)),
  page_repeated: (file: Buffer, dice: Dice) =>
    onPages(file, (pages) =>
      pages.toSpliced(dice.roll(pages.length), 0, pages[dice.roll(pages.length)] ?? ""),
    ),
  pages_swapped: (file: Buffer, dice: Dice) =>
    onPages(file, (pages) => {
      const a = dice.roll(pages.length);
      const b = (a + 1 + dice.roll(pages.length - 1)) % pages.length;
      return pages.with(a, pages[b] ?? "").with(b, pages[a] ?? "");
    }),
  /** Up to a bucket's checkpoint, or from one to the next. */
  segment_dropped: (file: Buffer, dice: Dice) =>
    onLines(file, (lines) => {
      const ends = indexesOf(lines, '{"type":"checkpoint"');
      const which = dice.roll(ends.length);
      const end = ends[which] ?? 0;
      const bucket = bucketIn(lines[end] ?? "");
      const begin = lines.findIndex((line, at) => at > (ends[which - 1] ?? 0) && bucketIn(line) === bucket);
      return lines.toSpliced(begin, end - begin + 1);
    }),
  bucket_dropped: (file: Buffer, dice: Dice) =>
    onLines(file, (lines) => {
      const buckets = [...new Set(lines.map(bucketIn).filter((bucket) => bucket !== undefined))];
      const gone = buckets[dice.roll(buckets.length)];
      return lines.filter((line) => bucketIn(line) !== gone);
    }),
} satisfies Record<string, (file: Buffer, dice: Dice) => Buffer>;

function onLines(file: Buffer, change: (lines: string[]) => string[]): Buffer {
  const lines = file.toString().split("\n").slice(0, -1);
  return Buffer.from(
    change(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

function onPages(file: Buffer, change: (pages: string[]) => string[]): Buffer {
  const pages: string[] = [];
  let page = "";
  for (const line of file.toString().split("\n").slice(0, -1)) {
    page += `${line}\n`;
    if (!line.startsWith('{"type":"seal"')) continue;
    pages.push(page);
    page = "";
  }
  return Buffer.from(change(pages).join(""));
}

function indexesOf(lines: readonly string[], start: string): number[] {
  return lines.flatMap((line, index) => (line.startsWith(start) ? [index] : []));
}

function bucketIn(line: string): string | undefined {
  const row = JSON.parse(line) as { bucket?: string; checkpoint?: { bucket: string } };
  return row.bucket ?? row.checkpoint?.bucket;
}

/** A line's number in the file, for a place in its bytes. */
export function lineAt(file: Buffer, place: number): number {
  let line = 1;
  for (let at = file.indexOf(NEWLINE); at !== -1 && at < place; at = file.indexOf(NEWLINE, at + 1)) line += 1;
  return line;
}
