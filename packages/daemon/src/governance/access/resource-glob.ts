/**
 * Whether a pattern covers a resource, or all that another pattern covers. Segment by segment, `*` for any characters
 * of one segment, and whatever is below what it names. Both are percent-encoded paths: no segment holds a slash, and no
 * resource a star. A star of the other pattern may stand for anything, so only a star answers for it.
 */
export function covers(glob: string, other: string): boolean {
  const patterns = glob.split("/");
  const segments = other.split("/");
  return (
    patterns.length <= segments.length &&
    patterns.every((pattern, index) => segmentCovers(pattern, segments[index] ?? ""))
  );
}

/** Greedy with one step back to the last star: linear in practice, whatever the pattern. */
function segmentCovers(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resumeAt = 0;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = p++;
      resumeAt = t;
    } else if (pattern[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resumeAt;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
