import type { Json, JsonObject } from "@kheish/contract";
import { z } from "zod";

/** JSON Schema of a tool's input as providers take it: a plain object, without what only validators need. */
export function toInputSchema(schema: z.ZodType): JsonObject {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return rest as JsonObject;
}

/** One sentence on the first mismatch, with the JSON path where it is. */
export function describeMismatch(error: z.ZodError, input: Json): string {
  const issue = error.issues[0];
  if (issue === undefined) return "Invalid input.";
  return `Invalid input at ${jsonPath(issue.path)}: ${reasonOf(issue, input)}.`;
}

function reasonOf(issue: z.core.$ZodIssue, input: Json): string {
  if (issue.code === "unrecognized_keys")
    return `unknown field ${issue.keys.map((key) => `'${key}'`).join(", ")}`;
  if (issue.code === "invalid_type" && at(input, issue.path) === undefined) return "this field is required";
  if (issue.code === "invalid_type" && issue.expected === "int") return "expected an integer";
  return issue.message.replace(/^Invalid input: /, "").replace(/\.$/, "");
}

function at(input: Json, path: PropertyKey[]): unknown {
  let value: unknown = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}

/** `$.questions[0].label`; a key that is no identifier is quoted. */
function jsonPath(path: PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const name = String(key);
    return /^[A-Za-z_]\w*$/.test(name) ? `${text}.${name}` : `${text}[${JSON.stringify(name)}]`;
  }, "$");
}
