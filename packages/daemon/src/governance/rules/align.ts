/** How the elements of a pattern and of a sequence meet. */
export interface Meeting<P, S> {
  /** Whether a pattern's element may stand for any number of elements, none included. */
  isManyP(p: P): boolean;
  /** Likewise for an element of the sequence, whose value nobody knows yet. */
  isManyS(s: S): boolean;
  /** Whether the pattern's element can stand for this one, or, of many, for this one among others. */
  takes(p: P, s: S): boolean;
}

/**
 * Whether a pattern and a sequence can be brought to agree from end to end. Takes time that grows with the product of
 * their lengths and no more, whatever the pattern: a table from the end, row by row.
 */
export function aligns<P, S>(
  pattern: readonly P[],
  sequence: readonly S[],
  { isManyP, isManyS, takes }: Meeting<P, S>,
): boolean {
  const width = sequence.length;
  let below: boolean[] = [];
  for (let i = pattern.length; i >= 0; i--) {
    const row: boolean[] = new Array(width + 1);
    for (let j = width; j >= 0; j--) row[j] = reach(i, j, row);
    below = row;
  }
  return below[0] === true;

  function reach(i: number, j: number, row: boolean[]): boolean {
    if (i === pattern.length && j === width) return true;
    const p = pattern[i] as P;
    const s = sequence[j] as S;
    const hasP = i < pattern.length;
    const hasS = j < width;
    if (hasP && isManyP(p) && (below[j] === true || (hasS && takes(p, s) && row[j + 1] === true)))
      return true;
    if (hasS && isManyS(s) && (row[j + 1] === true || (hasP && below[j] === true))) return true;
    return hasP && hasS && takes(p, s) && below[j + 1] === true;
  }
}
