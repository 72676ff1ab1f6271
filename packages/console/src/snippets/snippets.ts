import type { Json } from "@kheish/sdk";

export interface Place {
  baseUrl: string;
  sessionId: string;
  /** Whether the daemon asks for a token. */
  needsToken: boolean;
  route?: string | undefined;
  /** What the session's input contract wants; absent: text. */
  payload?: Json;
}

export interface Language {
  name: string;
  /** A program that hands work to a session; where the language can, it waits for the answer. */
  write: (place: Place) => string;
}

const PROMPT = "What is new?";

function typescript({ baseUrl, sessionId, needsToken, route, payload }: Place): string {
  const prompt =
    payload === undefined
      ? JSON.stringify(PROMPT)
      : ["JSON.stringify(", JSON.stringify(payload, undefined, 2), ")"].join("");
  const token = needsToken ? ", token: process.env.KHEISH_TOKEN" : "";
  return [
    'import { Kheish } from "@kheish/sdk";',
    "",
    `const kheish = new Kheish({ baseUrl: ${JSON.stringify(baseUrl)}${token} });`,
    "const run = await kheish.responses.create({",
    `  session: ${JSON.stringify(sessionId)},`,
    ...(route === undefined ? [] : [`  route: ${JSON.stringify(route)},`]),
    `  prompt: ${prompt},`,
    "});",
    "const { output_text } = await run.wait({ raiseOnFailure: true });",
    "console.log(output_text);",
  ].join("\n");
}

function curl({ baseUrl, sessionId, needsToken, route, payload }: Place): string {
  const content = payload === undefined ? PROMPT : JSON.stringify(payload);
  const body = JSON.stringify({ content, ...(route !== undefined && { provider: route }) });
  const runs = `${baseUrl}/v1/sessions/${encodeURIComponent(sessionId)}/runs`;
  return [
    `curl -sS ${quoted(runs)} \\`,
    ...(needsToken ? ['  -H "Authorization: Bearer $KHEISH_TOKEN" \\'] : []),
    "  -H 'Content-Type: application/json' \\",
    `  -d ${quoted(body)}`,
  ].join("\n");
}

/** One word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export const LANGUAGES = [
  { name: "TypeScript", write: typescript },
  { name: "curl", write: curl },
] as const satisfies readonly Language[];
