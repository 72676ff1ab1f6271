import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseSent } from "./nulls.ts";

const Executor = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("command"), command: z.string(), shell: z.string().optional() }),
  z.strictObject({ type: z.literal("http"), url: z.string(), shell: z.null() }),
]);
const Document = z.strictObject({
  name: z.string(),
  note: z.string().optional(),
  attempts: z.int().default(3),
  cleared: z.string().nullish(),
  any: z.json().optional(),
  env: z.record(z.string(), z.string()).optional(),
  hooks: z.record(z.string(), z.array(z.strictObject({ executor: Executor }))).optional(),
  either: z.union([z.string(), z.strictObject({ id: z.string(), kind: z.string().optional() })]).optional(),
});

const issuesOf = (value: unknown) =>
  parseSent(Document, value).error?.issues.map(({ path }) => path.join("/")) ?? "fits";

describe("01-R35 what a caller sent", () => {
  it("may hold null for what may be left out, however deep", () => {
    const sent = {
      name: "a",
      note: null,
      attempts: null,
      env: null,
      hooks: { stop: [{ executor: { type: "command", command: "true", shell: null } }] },
      either: { id: "x", kind: null },
    };
    expect(parseSent(Document, sent).data).toEqual({
      name: "a",
      attempts: 3,
      hooks: { stop: [{ executor: { type: "command", command: "true" } }] },
      either: { id: "x" },
    });
  });

  it("keeps a null that means something", () => {
    const sent = {
      name: "a",
      note: null,
      cleared: null,
      any: { deep: null },
      hooks: { stop: [{ executor: { type: "http", url: "u", shell: null } }] },
    };
    const { note: _nothing, ...kept } = sent;
    expect(parseSent(Document, sent).data).toEqual({ ...kept, attempts: 3 });
  });

  it.each([
    [{ name: null }, ["name"]],
    [{ name: "a", env: { HOME: null } }, ["env/HOME"]],
    [{ name: "a", hooks: { stop: [null] } }, ["hooks/stop/0"]],
    [{ name: "a", unknown: null }, [""]],
    [
      { name: "a", hooks: { stop: [{ executor: { type: "command", command: 1, shell: null } }] } },
      ["hooks/stop/0/executor/command"],
    ],
  ])("refuses %j for what is wrong with it, and for nothing else", (sent, wrong) => {
    expect(issuesOf(sent)).toEqual(wrong);
  });

  it("is read as the schema reads it where it holds no null", () => {
    const value = fc.object({
      key: fc.constantFrom("name", "note", "attempts", "cleared", "any", "env", "hooks", "either", "id"),
      values: [fc.string(), fc.integer(), fc.boolean()],
    });
    fc.assert(
      fc.property(value, (sent) => {
        expect(parseSent(Document, sent)).toEqual(Document.safeParse(sent));
      }),
    );
  });
});
