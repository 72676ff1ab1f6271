import type { Json } from "@kheish/contract";

/** Names whose values say what a thing is, not what was said. */
const STRUCTURAL = new Set([
  "class",
  "code",
  "driver",
  "event",
  "finish_reason",
  "id",
  "kind",
  "method",
  "model",
  "name",
  "object",
  "role",
  "route_id",
  "run_id",
  "session_id",
  "stop_reason",
  "tool_call_id",
  "tool_use_id",
  "type",
  "url",
]);

/** The value with every string in it mapped, names included. */
export function mapStrings(value: Json, map: (text: string) => string): Json {
  if (typeof value === "string") return map(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, map));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [map(name), mapStrings(one, map)]));
}

/** The shape of what was said, without the words: texts become their length. */
export function outline(value: Json, name = ""): Json {
  if (typeof value === "string") return STRUCTURAL.has(name) ? value : lengthOf(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => outline(one, name));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, outline(one, key)]));
}

/** The same of what a provider streams: each line of JSON, after `data:` or not, and what is none as a length. */
export function outlineText(text: string): string {
  return text.split("\n").map(outlineLine).join("\n");
}

const LINE = /^(data: ?)?(.*?)(\r?)$/s;

function outlineLine(line: string): string {
  const [, prefix = "", content = "", end = ""] = LINE.exec(line) ?? [];
  if (content === "" || content === "[DONE]" || /^(?:HTTP \d+|event: ?[\w.]+)$/.test(content)) return line;
  try {
    return `${prefix}${JSON.stringify(outline(JSON.parse(content) as Json))}${end}`;
  } catch {
    return `${prefix}${lengthOf(content)}${end}`;
  }
}

function lengthOf(text: string): string {
  return text === "" ? "" : `<${text.length} characters>`;
}
