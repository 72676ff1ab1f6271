import { describe, expect, it } from "vitest";
import { forwardedSchema, withoutNulls } from "./input-schema.ts";

describe("03, weaknesses: upstream schemas are forwarded", () => {
  it("with enums, ranges, unions, nested objects and references inside of the document", () => {
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "https://elsewhere.example/schema",
      type: "object",
      required: ["kind"],
      properties: {
        kind: { enum: ["a", "b"], description: "Which?" },
        size: { type: "integer", minimum: 1, maximum: 9, default: 3 },
        either: { anyOf: [{ type: "string", pattern: "^x" }, { $ref: "#/$defs/point" }] },
        tuple: { type: "array", prefixItems: [{ type: "string" }], items: { type: "number" } },
        constructor: { type: "string" },
      },
      additionalProperties: false,
      $defs: { point: { type: "object", properties: { x: { type: "number" } } } },
    };
    const { $schema: _schema, $id: _id, ...rest } = schema;
    expect(forwardedSchema(schema)).toEqual({
      ...rest,
      properties: {
        ...schema.properties,
        kind: { enum: ["a", "b"], description: "[untrusted MCP metadata] Which?" },
      },
    });
  });

  it("without what points out of it, and with descriptions cut", () => {
    const schema = {
      type: "object",
      properties: {
        a: { $ref: "https://elsewhere.example/x", description: "d".repeat(5_000), "x-vendor": 1 },
      },
    };
    const { a } = forwardedSchema(schema).properties as { a: { description: string } };
    expect(Object.keys(a)).toEqual(["description"]);
    expect(a.description).toHaveLength(1_024);
  });

  it.each<[string, unknown]>([
    ["no schema", undefined],
    ["no object", "string"],
    [
      "one that is too large",
      { type: "object", properties: { a: { enum: Array(5_000).fill("0123456789") } } },
    ],
  ])("%s becomes an open object", (_name, schema) => {
    expect(forwardedSchema(schema)).toEqual({ type: "object", additionalProperties: true });
  });

  it("one that is nested without end ends", () => {
    let schema: Record<string, unknown> = { type: "string" };
    for (let depth = 0; depth < 5_000; depth++) schema = { type: "object", properties: { a: schema } };
    expect(JSON.stringify(forwardedSchema(schema)).length).toBeLessThan(32_768);
  });

  it("03-R65: null values of optional fields are left out before the call", () => {
    const schema = { type: "object", required: ["must"] };
    expect(withoutNulls({ must: null, may: null, other: { kept: null } }, schema)).toEqual({
      must: null,
      other: { kept: null },
    });
  });
});
