const MAX_TOKEN = 200;

/** RFC 6901. A caller's own key may be part of it, so each token is cut to a bearable length. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${escapeToken(String(key).slice(0, MAX_TOKEN))}`).join("");
}

function escapeToken(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}
