import { describe, expect, it } from "vitest";
import { conform } from "./conform.ts";
import type { ContractSchema, ObjectSchema } from "./schema.ts";

const object = (properties: ObjectSchema["properties"], required: string[] = []): ContractSchema => ({
  type: "object",
  ...(properties === undefined ? {} : { properties }),
  required,
  additionalProperties: false,
});
const TEXT: ContractSchema = { type: "string" };
const PERSON = object(
  {
    name: { type: "string" },
    age: { type: "integer" },
    tags: { type: "array", items: { type: "string" } },
    at: object({ x: { type: "number" } }, ["x"]),
  },
  ["name"],
);
const fence = (text: string, language = "json") => `\`\`\`${language}\n${text}\n\`\`\``;

describe("what conforms to a contract", () => {
  it.each<[string, ContractSchema, string, string]>([
    ["a string", { type: "string" }, ' "a" ', '"a"'],
    ["a number", { type: "number" }, "1.50", "1.5"],
    ["a fraction, for integer reads as number", { type: "integer" }, "1.5", "1.5"],
    ["a boolean", { type: "boolean" }, "false", "false"],
    ["null", { type: "null" }, "null", "null"],
    ["an empty list", { type: "array", items: { type: "null" } }, "[]", "[]"],
    ["keys in any order", PERSON, '{"tags": ["b", "a"], "name": "N"}', '{"name":"N","tags":["b","a"]}'],
    ["what is nested", PERSON, '{"at":{"x":-0},"name":""}', '{"at":{"x":0},"name":""}'],
    ["the dangerous name", object({ ["__proto__"]: { type: "null" } }), "{}", "{}"],
    ["a fenced value", PERSON, fence('{"name":"N"}'), '{"name":"N"}'],
    ["a fence without a language", PERSON, `\n${fence('{"name":"N"}', "")}  \n`, '{"name":"N"}'],
    ["backticks in the value", PERSON, fence('{"name":"```"}'), '{"name":"```"}'],
  ])("01-R33 01-R34: %s, canonically", (_what, schema, text, canonical) => {
    expect(conform(schema, text)).toEqual({ ok: true, text: canonical });
  });

  it("01-R35: a null in an optional field counts as absent, wherever it is", () => {
    const schema: ContractSchema = { type: "array", items: PERSON };
    const text = '[{"name":"N","age":null,"at":null},{"name":"M","at":{"x":1}}]';
    expect(conform(schema, text)).toEqual({
      ok: true,
      text: '[{"name":"N"},{"at":{"x":1},"name":"M"}]',
    });
  });
});

describe("what does not", () => {
  it.each<[string, ContractSchema, string, string]>([
    ["no text", PERSON, "", "$: not exactly one JSON value"],
    ["prose", PERSON, 'Here it is: {"name":"N"}', "$: not exactly one JSON value"],
    ["two values", PERSON, '{"name":"N"} {"name":"M"}', "$: not exactly one JSON value"],
    ["two fences", PERSON, fence(fence('{"name":"N"}')), "$: not exactly one JSON value"],
    ["prose behind the fence", PERSON, `${fence('{"name":"N"}')}\nDone.`, "$: not exactly one JSON value"],
    ["another type", PERSON, "[]", "$: expected object, found array"],
    ["a text for a number", { type: "number" }, '"1"', "$: expected number, found string"],
    ["a number that is none", { type: "number" }, "1e999", "$: expected number, found number"],
    ["null for a value", { type: "string" }, "null", "$: expected string, found null"],
    ["a missing field", PERSON, "{}", "$.name: this field is required"],
    ["a required null", PERSON, '{"name":null}', "$.name: expected string, found null"],
    ["a field in a list", PERSON, '{"name":"N","tags":["a",1]}', "$.tags[1]: expected string, found number"],
    ["a field deeper", PERSON, '{"name":"N","at":{"x":true}}', "$.at.x: expected number, found boolean"],
    ["an unknown field", PERSON, '{"name":"N","Age":1}', "$.Age: unknown field"],
    ["an unknown field that is null", PERSON, '{"name":"N","b c":null}', '$["b c"]: unknown field'],
    [
      "an inherited field",
      object({ toString: TEXT }, ["toString"]),
      "{}",
      "$.toString: this field is required",
    ],
    ["a dangerous unknown field", PERSON, '{"name":"N","__proto__":1}', "$.__proto__: unknown field"],
  ])("01-R35: %s, with the first mismatch only", (_what, schema, text, mismatch) => {
    expect(conform(schema, text)).toEqual({ ok: false, mismatch });
  });
});
