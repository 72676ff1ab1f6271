import type { Json, JsonObject } from "@kheish/contract";
import { untrusted } from "./descriptions.ts";
import { MCP_LIMITS, setOwn } from "./json-limits.ts";

/** Beyond these a schema costs more prompt than it helps, and the server checks its input anyway. */
const MAX_DEPTH = 24;
const MAX_NODES = 2_000;
const MAX_CHARS = 32_768;

/** What of JSON Schema is forwarded: constraints and their descriptions, nothing that points out of the document. */
const VALUES = new Set([
  "type",
  "enum",
  "const",
  "default",
  "title",
  "format",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "required",
  "examples",
  "deprecated",
]);
const ONE = new Set([
  "items",
  "additionalProperties",
  "not",
  "if",
  "then",
  "else",
  "contains",
  "propertyNames",
]);
const LISTS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const MAPS = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"]);

/**
 * An upstream input schema as a model may see it (03, weaknesses): enums, ranges, unions and nested objects stay,
 * descriptions are cut and marked, references stay inside of the document. One that is too large or no object becomes
 * an open object: the server still checks what it gets.
 */
export function forwardedSchema(schema: unknown): JsonObject {
  if (!isObject(schema)) return open();
  const budget = { nodes: MAX_NODES };
  const forwarded = node(schema, 0, budget);
  if (budget.nodes < 0 || !isObject(forwarded) || JSON.stringify(forwarded).length > MAX_CHARS) return open();
  return { ...forwarded, type: "object" };
}

function open(): JsonObject {
  return { type: "object", additionalProperties: true };
}

function node(schema: unknown, depth: number, budget: { nodes: number }): Json {
  if (typeof schema === "boolean") return schema;
  budget.nodes -= 1;
  if (!isObject(schema) || depth > MAX_DEPTH || budget.nodes < 0) return {};
  const kept: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "description") {
      if (typeof value === "string") kept.description = untrusted(value, MCP_LIMITS.fieldDescription);
    } else if (key === "$ref") {
      if (typeof value === "string" && value.startsWith("#")) kept.$ref = value;
    } else if (VALUES.has(key)) {
      setOwn(kept, key, value as Json);
    } else if (ONE.has(key)) {
      setOwn(kept, key, Array.isArray(value) ? list(value, depth, budget) : node(value, depth + 1, budget));
    } else if (LISTS.has(key) && Array.isArray(value)) {
      setOwn(kept, key, list(value, depth, budget));
    } else if (MAPS.has(key) && isObject(value)) {
      const members: JsonObject = {};
      for (const [name, one] of Object.entries(value)) setOwn(members, name, node(one, depth + 1, budget));
      setOwn(kept, key, members);
    }
  }
  return kept;
}

function list(values: readonly unknown[], depth: number, budget: { nodes: number }): Json[] {
  return values.map((one) => node(one, depth + 1, budget));
}

/** Absent and null are the same to a field that may be left out (03-R65). */
export function withoutNulls(input: JsonObject, schema: JsonObject): JsonObject {
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  return Object.fromEntries(
    Object.entries(input).filter(([name, value]) => value !== null || required.has(name)),
  );
}

export function isObject(value: unknown): value is { [key: string]: unknown } & JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
