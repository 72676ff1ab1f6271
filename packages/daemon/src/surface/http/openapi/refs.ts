const LOCAL = "#/$defs/";

/** A copy of the schema whose references to local definitions are answered by `rename`. */
export function renameRefs<Schema extends object>(schema: Schema, rename: (name: string) => string): Schema {
  return copy(schema, rename) as Schema;
}

/** The local definitions a schema refers to. */
export function referredNames(schema: object): Set<string> {
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
