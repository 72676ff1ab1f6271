import { z } from "zod";
import { localRef, renameRefs } from "./refs.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;
/** Requests are described as clients write them, answers as they read them: a default differs. */
export type Direction = "input" | "output";

/** A schema as JSON Schema, and the named ones it refers to as `#/$defs/<name>`. */
export interface ConvertedSchema {
  root: JsonSchema;
  definitions: ReadonlyMap<string, JsonSchema>;
}

/** The name of the one recursive schema that has no id of its own: `z.json()` makes it anew at each use. */
const ANY_JSON = "Json";
/** Says as much as the alternatives that refer to themselves, of which generators make types that do not compile. */
const anyJson: JsonSchema = { description: "any JSON value" };

export function convert(schema: z.ZodType, direction: Direction): ConvertedSchema {
  const converted = toJsonSchema(schema, direction);
  const named = new Map<string, string>();
  for (const [name, definition] of converted.definitions) named.set(name, properName(name, definition));
  const rename = (name: string) => localRef(named.get(name) ?? name);
  return {
    root: renameRefs(converted.root, rename),
    definitions: new Map(
      [...converted.definitions].map(([name, definition]) => [
        named.get(name) ?? name,
        named.get(name) === ANY_JSON ? anyJson : renameRefs(definition, rename),
      ]),
    ),
  };
}

function toJsonSchema(schema: z.ZodType, direction: Direction): ConvertedSchema {
  const {
    $schema: _dialect,
    $defs,
    ...root
  } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: direction,
    override: ({ zodSchema, jsonSchema }) => {
      if (isOpenAnswer(zodSchema, direction)) delete jsonSchema.additionalProperties;
    },
  });
  return { root, definitions: new Map(Object.entries($defs ?? {})) };
}

/** zod closes every answered object; ours may gain members in a later release, and clients must not mind. */
function isOpenAnswer(schema: z.core.$ZodTypes, direction: Direction): boolean {
  return (
    direction === "output" && schema._zod.def.type === "object" && schema._zod.def.catchall === undefined
  );
}

/** zod numbers what has no id; a number would change with the next schema and means nothing to a client. */
function properName(name: string, definition: JsonSchema): string {
  if (!name.startsWith("__schema")) return name;
  if (shape(definition) === anyJsonShape) return ANY_JSON;
  throw new Error("a recursive schema of the contract has no id; give it one with .meta({ id })");
}

/** The definition as text, whatever its own recursive references are called. */
function shape(definition: JsonSchema): string {
  return JSON.stringify(renameRefs(definition, () => "self"));
}

const anyJsonShape = [...toJsonSchema(z.object({ any: z.json() }), "input").definitions.values()].map(
  shape,
)[0];
