/**
 * Whether a hook's matcher fits a subject: a glob over the whole of it, `*` for any run of characters and `?` for one
 * (03, HookDefinition). No matcher fits all; a missing subject counts as the empty string. Never backtracks further than
 * to the last `*`, so that no matcher is slow.
 */
export function matches(matcher: string | undefined, subject: string | undefined): boolean {
  if (matcher === undefined) return true;
  const pattern = Array.from(matcher);
  const text = Array.from(subject ?? "");
  let at = 0;
  let star = -1;
  let resume = 0;
  let next = 0;
  while (next < text.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = next;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === text[next])) {
      at++;
      next++;
    } else if (star >= 0) {
      at = star + 1;
      next = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
