import type { Json } from "@kheish/contract";

/**
 * Whether a provider's strict mode takes a schema: every object closed and every property required.
 * Strict mode refuses any other schema, so that such a one is followed loosely instead.
 */
export function isStrictSchema(schema: Json): boolean {
  if (Array.isArray(schema)) return schema.every(isStrictSchema);
  if (typeof schema !== "object" || schema === null) return true;
  const { properties, required } = schema;
  if (typeof properties === "object" && properties !== null && !Array.isArray(properties)) {
    const names = Object.keys(properties);
    const isClosed = schema.additionalProperties === false;
    if (!isClosed || !Array.isArray(required) || !names.every((name) => required.includes(name)))
      return false;
  }
  return Object.values(schema).every(isStrictSchema);
}
