import type { Json } from "@kheish/sdk";

/** A value in the shape of a JSON Schema, to be filled in (08, "Use via SDK"). */
export function skeletonOf(schema: unknown, name = "value"): Json {
  const {
    type,
    properties,
    enum: choices,
  } = (schema ?? {}) as {
    type?: string | string[];
    properties?: Record<string, unknown>;
    enum?: Json[];
  };
  const [choice] = choices ?? [];
  if (choice !== undefined) return choice;
  switch (Array.isArray(type) ? type.find((one) => one !== "null") : type) {
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    case "array":
      return [];
    case "object":
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([field, inner]) => [field, skeletonOf(inner, field)]),
      );
    default:
      return `<${name}>`;
  }
}
