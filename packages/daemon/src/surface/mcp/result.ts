import type { Json, JsonObject } from "@kheish/contract";

/** What a tool answers: as text, and structured. */
export function resultOf(value: Json, isError = false) {
  return {
    content: [{ type: "text" as const, text: JSON.stringify(value) }],
    structuredContent: structured(value),
    ...(isError ? { isError } : {}),
  };
}

/** Structured content is an object in the older protocol. */
function structured(value: Json): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : { items: value };
}
