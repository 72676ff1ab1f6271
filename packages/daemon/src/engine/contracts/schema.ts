import type { Json, JsonObject } from "@kheish/contract";

/** The closed subset of JSON Schema that contracts are written in (01-R32): it says all that a value may hold. */
export type ContractSchema = ObjectSchema | ArraySchema | ScalarSchema;
export type ObjectSchema = {
  type: "object";
  properties?: { [name: string]: ContractSchema };
  required?: string[];
  additionalProperties: false;
  description?: string;
};
export type ArraySchema = { type: "array"; items: ContractSchema; description?: string };
/** `integer` reads as `number`. */
export type ScalarSchema = {
  type: "string" | "number" | "integer" | "boolean" | "null";
  description?: string;
};

/** One thing that is wrong with a schema; `path` is a JSON Pointer into it. */
export interface SchemaIssue {
  path: string;
  message: string;
}

const SCALARS = ["string", "number", "integer", "boolean", "null"];
const ANYWHERE = ["type", "description"];
const AT_THE_ROOT = ["$schema", "title"];
const OF_TYPE: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["object", ["properties", "required", "additionalProperties"]],
  ["array", ["items"]],
  ...SCALARS.map((type) => [type, []] as const),
]);
/** A schema is read by recursion; nobody means one that is deeper. */
const MAX_DEPTH = 64;

/** Reads a schema, or says everything that keeps it from being one: all of it at once (01-R32). */
export function readSchema(
  schema: Json,
): { ok: true; schema: ContractSchema } | { ok: false; issues: SchemaIssue[] } {
  const issues = issuesOf(schema, "", 0);
  return issues.length === 0
    ? { ok: true, schema: schema as unknown as ContractSchema }
    : { ok: false, issues };
}

function issuesOf(schema: Json, path: string, depth: number): SchemaIssue[] {
  if (!isObject(schema)) return [{ path, message: "a schema is a JSON object" }];
  if (depth > MAX_DEPTH) return [{ path, message: `schemas are at most ${MAX_DEPTH} levels deep` }];
  const { type, description } = schema;
  const ofType = typeof type === "string" ? OF_TYPE.get(type) : undefined;
  if (ofType === undefined) {
    return [
      { path: `${path}/type`, message: `type is one of ${[...OF_TYPE.keys()].join(", ")}` },
      ...unsupported(schema, path, depth, [...OF_TYPE.values()].flat()),
    ];
  }
  return [
    ...unsupported(schema, path, depth, ofType),
    ...(description === undefined || typeof description === "string"
      ? []
      : [{ path: `${path}/description`, message: "description is a string" }]),
    ...(type === "object" ? objectIssues(schema, path, depth) : []),
    ...(type === "array" ? itemIssues(schema, path, depth) : []),
  ];
}

function unsupported(
  schema: JsonObject,
  path: string,
  depth: number,
  ofType: readonly string[],
): SchemaIssue[] {
  const known = new Set([...ANYWHERE, ...ofType, ...(depth === 0 ? AT_THE_ROOT : [])]);
  return Object.keys(schema)
    .filter((keyword) => !known.has(keyword))
    .map((keyword) => ({
      path: `${path}/${escapePointer(keyword)}`,
      message: `keyword '${keyword}' is not supported here`,
    }));
}

function objectIssues(schema: JsonObject, path: string, depth: number): SchemaIssue[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const issues: SchemaIssue[] = [];
  if (additionalProperties !== false) {
    issues.push({ path: `${path}/additionalProperties`, message: "additionalProperties must be false" });
  }
  if (!isObject(properties)) return [...issues, { path: `${path}/properties`, message: "not an object" }];
  if (!Array.isArray(required) || !required.every((name) => typeof name === "string")) {
    issues.push({ path: `${path}/required`, message: "required is a list of strings" });
  } else {
    const unknown = required.filter((name) => !Object.hasOwn(properties, name));
    issues.push(
      ...unknown.map((name) => ({ path: `${path}/required`, message: `'${name}' is no property` })),
    );
  }
  for (const [name, property] of Object.entries(properties)) {
    issues.push(...issuesOf(property, `${path}/properties/${escapePointer(name)}`, depth + 1));
  }
  return issues;
}

function itemIssues({ items }: JsonObject, path: string, depth: number): SchemaIssue[] {
  if (items === undefined) return [{ path: `${path}/items`, message: "an array says what its items are" }];
  return issuesOf(items, `${path}/items`, depth + 1);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 6901. */
function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
