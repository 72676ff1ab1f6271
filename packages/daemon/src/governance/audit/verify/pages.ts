import { SEAL_PREFIX } from "../export/lines.ts";

const SEAL = Buffer.from(`\n${SEAL_PREFIX}`);
const NEWLINE = 10;

export interface FilePage {
  bytes: Buffer;
  firstLine: number;
}

/** Cuts a file into its pages, each with its seal. What follows the last seal is a page too. */
export async function* pagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<FilePage> {
  let rest = Buffer.alloc(0);
  let firstLine = 1;
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const end = endOfPage(rest);
      if (end === undefined) break;
      const bytes = rest.subarray(0, end);
      yield { bytes, firstLine };
      firstLine += linesOf(bytes);
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) yield { bytes: rest, firstLine };
}

function endOfPage(bytes: Buffer): number | undefined {
  const beginsSealed = bytes.subarray(0, SEAL.length - 1).equals(SEAL.subarray(1));
  const seal = beginsSealed ? 0 : bytes.indexOf(SEAL) + 1;
  if (seal === 0 && !beginsSealed) return undefined;
  const newline = bytes.indexOf(NEWLINE, seal);
  return newline === -1 ? undefined : newline + 1;
}

function linesOf(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
