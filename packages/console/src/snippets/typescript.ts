import { contentOf, type Place } from "./place.ts";

export function typescript(place: Place): string {
  const { baseUrl, sessionId, needsToken, route, payload } = place;
  const content = contentOf(place);
  const prompt =
    payload === undefined ? JSON.stringify(content) : `JSON.stringify(${content.replaceAll("\n", "\n  ")})`;
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
