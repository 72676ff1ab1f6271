import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { z } from "zod";

const Schema = z.record(z.string(), z.unknown());
type Schema = z.infer<typeof Schema>;
const Content = z.record(z.string(), z.object({ schema: Schema }));
const Operation = z.object({
  operationId: z.string(),
  parameters: z.array(
    z.object({ name: z.string(), in: z.enum(["path", "query", "header"]), schema: Schema }),
  ),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ $ref: z.string().optional(), content: Content.optional() })),
});
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({
    schemas: z.record(z.string(), Schema),
    responses: z.record(z.string(), z.object({ content: Content })),
  }),
});

export interface Described {
  name: string;
  method: string;
  path: string;
  operation: z.infer<typeof Operation>;
}

/** The OpenAPI document as a client that was generated from it takes it: it says what is valid, and nothing else does. */
export class ApiDocument {
  readonly operations: readonly Described[];
  readonly #document: z.infer<typeof Document>;
  readonly #ajv: Ajv2020;
  readonly #compiled = new Map<Schema, ValidateFunction>();

  constructor(text: string) {
    this.#document = Document.parse(JSON.parse(text));
    this.#ajv = new Ajv2020({ strict: false, validateFormats: false });
    this.#ajv.addSchema({ $id: "doc:", ...this.#document });
    this.operations = Object.entries(this.#document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: operation.operationId,
        method: method.toUpperCase(),
        path,
        operation,
      })),
    );
  }

  bodyOf({ operation }: Described): Schema | undefined {
    return operation.requestBody?.content["application/json"]?.schema;
  }

  /** The schema of an answer with this status and type; undefined where the document knows of none. */
  answerOf({ operation }: Described, status: number, type: string): Schema | undefined {
    const response = operation.responses[status];
    const shared = response?.$ref?.replace("#/components/responses/", "");
    const content =
      shared === undefined ? response?.content : this.#document.components.responses[shared]?.content;
    return content?.[type]?.schema;
  }

  isValid(schema: Schema, value: unknown): boolean {
    let validate = this.#compiled.get(schema);
    if (validate === undefined) {
      validate = this.#ajv.compile(absolute(schema));
      this.#compiled.set(schema, validate);
    }
    return validate(value) === true;
  }

  /** The members of a body that is an object. */
  membersOf(schema: Schema): string[] {
    return Object.keys((this.#resolved(schema).properties as object | undefined) ?? {});
  }

  /** The smallest value that the schema describes, as far as types, choices and what is required go. */
  least(schema: Schema): unknown {
    const {
      anyOf,
      oneOf,
      const: only,
      enum: choices,
      type,
      properties,
      required,
      items,
      ...rest
    } = this.#resolved(schema);
    const [branch] = (anyOf ?? oneOf ?? []) as Schema[];
    if (branch !== undefined && properties === undefined) return this.least(branch);
    if (only !== undefined) return only;
    if (Array.isArray(choices)) return choices[0];
    switch (Array.isArray(type) ? type[0] : type) {
      case "object": {
        const names = [required, branch?.required].flatMap((list) => (list ?? []) as string[]);
        const members = properties as Record<string, Schema>;
        return Object.fromEntries(names.map((name) => [name, this.least(members[name] ?? {})]));
      }
      case "array":
        return rest.minItems === undefined ? [] : [this.least(items as Schema)];
      case "integer":
      case "number":
        return Math.max(Number(rest.minimum ?? 0), Number(rest.exclusiveMinimum ?? -1) + 1, 0);
      case "boolean":
        return false;
      case "string":
        return "x";
      default:
        return null;
    }
  }

  #resolved(schema: Schema): Schema {
    const name =
      typeof schema.$ref === "string" ? schema.$ref.replace("#/components/schemas/", "") : undefined;
    return name === undefined ? schema : this.#resolved(this.#document.components.schemas[name] ?? {});
  }
}

/** References of a part of the document, made to lead into the whole of it. */
function absolute(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"doc:#/'));
}
