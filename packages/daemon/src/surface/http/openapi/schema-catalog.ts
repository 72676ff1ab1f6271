import type { z } from "zod";
import { convert, type Direction, type JsonSchema } from "./json-schema.ts";
import { referredNames, renameRefs } from "./refs.ts";

type Definitions = Map<string, JsonSchema>;

/**
 * The named schemas of the document. A schema that reads differently than it is written
 * becomes two components: `Thing` in answers and `ThingInput` in requests.
 * Everything is added first and linked afterwards, because a name depends on both directions.
 */
export class SchemaCatalog {
  readonly #definitions: Record<Direction, Definitions> = { input: new Map(), output: new Map() };
  /** Most answers are one of a few views: converting each once keeps the first request for the document short. */
  readonly #roots: Record<Direction, Map<z.ZodType, JsonSchema>> = { input: new Map(), output: new Map() };
  #split: ReadonlySet<string> | undefined;

  /** The schema with local references; `link` makes them point into the document. */
  add(schema: z.ZodType, direction: Direction): JsonSchema {
    const known = this.#roots[direction].get(schema);
    if (known !== undefined) return known;
    const { root, definitions } = convert(schema, direction);
    for (const [name, definition] of definitions) this.#define(name, definition, direction);
    this.#roots[direction].set(schema, root);
    return root;
  }

  link(schema: JsonSchema, direction: Direction): JsonSchema {
    return renameRefs(schema, (name) => `#/components/schemas/${this.#componentName(name, direction)}`);
  }

  /** `components.schemas`, sorted, so that the document changes only where the contract does. */
  components(): Record<string, JsonSchema> {
    const components = new Map<string, JsonSchema>();
    for (const direction of ["input", "output"] as const)
      for (const [name, definition] of this.#definitions[direction])
        components.set(this.#componentName(name, direction), this.link(definition, direction));
    return Object.fromEntries([...components].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  #define(name: string, definition: JsonSchema, direction: Direction): void {
    const known = this.#definitions[direction].get(name);
    if (known !== undefined && !sameSchema(known, definition))
      throw new Error(`two different schemas of the contract have the id '${name}'`);
    this.#definitions[direction].set(name, definition);
  }

  #componentName(name: string, direction: Direction): string {
    this.#split ??= splitNames(this.#definitions.input, this.#definitions.output);
    return direction === "input" && this.#split.has(name) ? `${name}Input` : name;
  }
}

/** Names whose two readings differ, in themselves or in something they refer to. */
function splitNames(input: Definitions, output: Definitions): ReadonlySet<string> {
  const shared = [...input].filter(([name]) => output.has(name));
  const split = new Set<string>();
  for (let before = -1; before < split.size; ) {
    before = split.size;
    for (const [name, definition] of shared) {
      const refersToSplit = [...referredNames(definition)].some((referred) => split.has(referred));
      if (refersToSplit || !sameSchema(definition, output.get(name))) split.add(name);
    }
  }
  return split;
}

function sameSchema(one: JsonSchema, other: JsonSchema | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
