import { type Place, PROMPT, runsPath } from "./place.ts";

export function curl(place: Place): string {
  const { baseUrl, needsToken, route, payload } = place;
  const content = payload === undefined ? PROMPT : JSON.stringify(payload);
  const body = JSON.stringify({ content, ...(route !== undefined && { provider: route }) });
  return [
    `curl -sS ${quoted(baseUrl + runsPath(place))} \\`,
    ...(needsToken ? ['  -H "Authorization: Bearer $KHEISH_TOKEN" \\'] : []),
    "  -H 'Content-Type: application/json' \\",
    `  -d ${quoted(body)}`,
  ].join("\n");
}

/** One word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
