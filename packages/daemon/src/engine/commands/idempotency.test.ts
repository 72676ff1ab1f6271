import { Problem } from "@kheish/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type IdempotentRequest, idempotencyKeyOf, receiptOf } from "./idempotency.ts";

const base: IdempotentRequest = {
  space: "run",
  scope: "s",
  key: "k",
  request: { content: "hi", metadata: null },
};

function refusalOf(header: string | undefined, body?: string): Problem {
  try {
    idempotencyKeyOf(header, body);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("the key was accepted");
}

describe("01-R27: an idempotency key", () => {
  it.each([
    [undefined, undefined, undefined],
    ["k", undefined, "k"],
    [undefined, "k", "k"],
    ["k", "k", "k"],
    [" k ", "k", "k"],
    ["\tk\n", undefined, "k"],
    ["a b", undefined, "a b"],
    ["k".repeat(256), undefined, "k".repeat(256)],
    ["é".repeat(128), undefined, "é".repeat(128)],
  ])("from header %j and body %j is %j", (header, body, key) => {
    expect(idempotencyKeyOf(header, body)).toBe(key);
  });

  it.each([
    ["", undefined, "empty"],
    [undefined, "  ", "empty"],
    ["k".repeat(257), undefined, "longer than 256 bytes"],
    ["é".repeat(129), undefined, "longer than 256 bytes"],
    ["a\u0000b", undefined, "control characters"],
    ["a\nb", undefined, "control characters"],
    [undefined, "a\u007fb", "control characters"],
    ["a\u0085b", undefined, "control characters"],
    ["a", "b", "differ"],
    ["a", "", "empty"],
  ])("from header %j and body %j is refused: %s", (header, body, why) => {
    const refusal = refusalOf(header, body);
    expect(refusal).toMatchObject({ domain: "idempotency", code: "invalid_idempotency_key", status: 400 });
    expect(refusal.message).toContain(why);
  });

  it("is what was sent, trimmed, or refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (raw) => {
        let key: string | undefined;
        try {
          key = idempotencyKeyOf(raw, undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(Problem);
          return;
        }
        expect(key).toBe(raw.trim());
      }),
    );
  });
});

describe("01-R28 01-R31: a receipt", () => {
  it("is the same for the same request, whatever order its members come in", () => {
    const turned = { ...base, request: { metadata: null, content: "hi" } };
    expect(receiptOf(turned)).toEqual(receiptOf(base));
  });

  it("does not see members that are undefined: a new optional field changes no old fingerprint", () => {
    const newer = { ...base, request: { ...base.request, added_later: undefined } };
    expect(receiptOf(newer)).toEqual(receiptOf(base));
  });

  it.each([
    ["key", { key: "k2" }],
    ["session", { scope: "s2" }],
    ["verb", { space: "input" as const }],
  ])("of another %s is another record", (_what, other) => {
    expect(receiptOf({ ...base, ...other }).id).not.toBe(receiptOf(base).id);
  });

  it("of the same key and another request has the same id and another fingerprint", () => {
    const other = receiptOf({ ...base, request: { content: "ho", metadata: null } });
    expect(other.id).toBe(receiptOf(base).id);
    expect(other.fingerprint).not.toBe(receiptOf(base).fingerprint);
  });

  it("holds neither the key nor the request", () => {
    const text = JSON.stringify(
      receiptOf({ ...base, key: "secret-key", request: { content: "secret-text" } }),
    );
    expect(text).not.toContain("secret");
  });
});
