import type { Json, JsonObject } from "@kheish/contract";

/** 03, Limits: what of a server's answer reaches a prompt. Characters are UTF-16 units. */
export const MCP_LIMITS = {
  instructions: 4_096,
  toolDescription: 2_048,
  fieldDescription: 1_024,
  text: 32_768,
  string: 16_384,
  key: 512,
  contentItems: 64,
  resourceItems: 64,
  arrayItems: 128,
  objectFields: 128,
  depth: 8,
} as const;

/** A prefix of a text that does not end in half of a surrogate pair. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const last = text.charCodeAt(maxChars - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxChars - 1 : maxChars);
}

/** A value within the limits; what was cut says so in its place, by the markers of 03, Limits. */
export function boundedJson(value: unknown, depth = 0): Json {
  if (typeof value === "string") return boundedString(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") return null;
  if (depth >= MCP_LIMITS.depth) return { truncated: true, reason: "max_json_depth" };
  return Array.isArray(value) ? boundedArray(value, depth) : boundedObject(value, depth);
}

function boundedString(value: string): Json {
  return value.length <= MCP_LIMITS.string
    ? value
    : { value: cutText(value, MCP_LIMITS.string), truncated: true, original_chars: value.length };
}

function boundedArray(value: readonly unknown[], depth: number): Json {
  const kept = value.slice(0, MCP_LIMITS.arrayItems).map((one) => boundedJson(one, depth + 1));
  return value.length <= MCP_LIMITS.arrayItems
    ? kept
    : [...kept, { truncated: true, original_items: value.length }];
}

function boundedObject(value: object, depth: number): JsonObject {
  const entries = Object.entries(value);
  const kept: JsonObject = {};
  for (const [key, one] of entries.slice(0, MCP_LIMITS.objectFields)) {
    if (one !== undefined)
      setOwn(kept, freeKey(kept, cutText(key, MCP_LIMITS.key)), boundedJson(one, depth + 1));
  }
  if (entries.length > MCP_LIMITS.objectFields)
    setOwn(kept, "__truncated__", { truncated: true, original_fields: entries.length });
  return kept;
}

/** Two keys that are the same once they are cut: the second is `key__2`. */
function freeKey(taken: JsonObject, key: string): string {
  if (!Object.hasOwn(taken, key)) return key;
  for (let n = 2; ; n++) if (!Object.hasOwn(taken, `${key}__${n}`)) return `${key}__${n}`;
}

/** `__proto__` is a key like any other. */
export function setOwn(target: JsonObject, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
