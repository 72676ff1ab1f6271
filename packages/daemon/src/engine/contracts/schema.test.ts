import type { Json } from "@kheish/contract";
import { describe, expect, it } from "vitest";
import { readSchema } from "./schema.ts";

const closed = (properties: Json, more: object = {}): Json => ({
  type: "object",
  properties,
  additionalProperties: false,
  ...more,
});
const issues = (schema: Json) => {
  const read = readSchema(schema);
  return read.ok ? [] : read.issues.map(({ path }) => path);
};
const nested = (levels: number): Json =>
  levels === 0 ? { type: "null" } : { type: "array", items: nested(levels - 1) };

describe("the schema of a contract", () => {
  it.each<[string, Json]>([
    ["a scalar", { type: "string" }],
    ["an integer with a description", { type: "integer", description: "how many" }],
    ["an empty object", { type: "object", additionalProperties: false }],
    ["root keywords", closed({}, { $schema: "https://json-schema.org/draft/2020-12/schema", title: "T" })],
    [
      "all of it",
      closed(
        {
          name: { type: "string" },
          tags: { type: "array", items: { type: "string" } },
          at: closed({ x: { type: "number" }, ok: { type: "boolean" }, nothing: { type: "null" } }),
        },
        { required: ["name"] },
      ),
    ],
    ["a property with a dangerous name", closed(JSON.parse('{"__proto__": {"type": "string"}}'))],
    ["64 levels", nested(64)],
  ])("01-R32: %s is one", (_what, schema) => {
    expect(readSchema(schema)).toEqual({ ok: true, schema });
  });

  it.each<[string, Json, string[]]>([
    ["nothing that is an object", [], [""]],
    ["no type", {}, ["/type"]],
    ["several types", { type: ["string", "null"] }, ["/type"]],
    ["an inherited name as type", { type: "constructor" }, ["/type"]],
    ["an open object", { type: "object", properties: {} }, ["/additionalProperties"]],
    ["an open object, said so", { type: "object", additionalProperties: true }, ["/additionalProperties"]],
    ["a typed rest", { type: "object", additionalProperties: { type: "string" } }, ["/additionalProperties"]],
    ["an array of anything", { type: "array" }, ["/items"]],
    ["a tuple", { type: "array", items: [{ type: "string" }] }, ["/items"]],
    ["a keyword of another type", { type: "string", items: { type: "string" } }, ["/items"]],
    ["a description that is none", { type: "string", description: 1 }, ["/description"]],
    ["required that is no list", closed({}, { required: "a" }), ["/required"]],
    [
      "required that no property has",
      closed({}, { required: ["a", "toString"] }),
      ["/required", "/required"],
    ],
    ["properties that are none", closed([]), ["/properties"]],
    ["a title below the root", closed({ a: { type: "string", title: "A" } }), ["/properties/a/title"]],
    ["a name that a pointer escapes", closed({ "a/b~c": { type: "any" } }), ["/properties/a~1b~0c/type"]],
    ["65 levels", nested(65), ["/items".repeat(65)]],
  ])("01-R32: %s is none", (_what, schema, paths) => {
    expect(issues(schema)).toEqual(paths);
  });

  it("01-R32: every unsupported keyword is reported with its path, in one answer", () => {
    const schema = closed(
      {
        name: { type: "string", minLength: 1, pattern: "x" },
        list: { type: "array", items: { enum: [1] }, maxItems: 3 },
      },
      { $defs: {}, oneOf: [] },
    );
    expect(issues(schema)).toEqual([
      "/$defs",
      "/oneOf",
      "/properties/name/minLength",
      "/properties/name/pattern",
      "/properties/list/maxItems",
      "/properties/list/items/type",
      "/properties/list/items/enum",
    ]);
  });
});
