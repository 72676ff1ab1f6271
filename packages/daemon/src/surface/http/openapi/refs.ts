import type { JsonSchema } from "./json-schema.ts";

const LOCAL = "#/$defs/";

/** A copy of the schema whose references to local definitions are answered by `rename`. */
export function renameRefs(schema: JsonSchema, rename: (name: string) => string): JsonSchema {
  return copy(schema, rename) as JsonSchema;
}

/** The local definitions a schema refers to. */
export function referredNames(schema: JsonSchema): Set<string> {
  const names = new Set<string>();
  renameRefs(schema, (name) => {
    names.add(name);
    return LOCAL + name;
  });
  return names;
}

export function localRef(name: string): string {
  return LOCAL + name;
}

function copy(value: unknown, rename: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => copy(item, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === "$ref" && typeof member === "string" && member.startsWith(LOCAL)
        ? rename(member.slice(LOCAL.length))
        : copy(member, rename),
    ]),
  );
}
