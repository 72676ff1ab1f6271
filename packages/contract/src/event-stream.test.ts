import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, type RawFrame } from "./event-stream.ts";

const LIMIT = 1_000;

function* chunked(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let start = 0;
  for (const cut of cuts) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
  yield bytes.subarray(start);
}

function framesOf(text: string, cuts: readonly number[] = []): RawFrame[] {
  const reader = new FrameReader(LIMIT, (limit) => new Error(`more than ${limit} characters`));
  return [...chunked(new TextEncoder().encode(text), cuts)].flatMap((chunk) => [...reader.take(chunk)]);
}

describe("event stream frames", () => {
  it("have an id, a name and data", () => {
    const text = ': a comment\n\nid: 7\nevent: trace\ndata: {"a":\ndata:1}\n\ndata: x\nretry: 5\n\nid: 9\n\n';
    expect(framesOf(text)).toEqual([
      { id: "7", event: "trace", data: '{"a":\n1}' },
      { event: "message", data: "x" },
    ]);
  });

  it("end with any of the three line ends", () => {
    expect(framesOf("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n")).toEqual(
      ["1", "2", "3"].map((data) => ({ event: "message", data })),
    );
  });

  it("do not depend on how the bytes were cut", () => {
    const text = "id: 1\r\nevent: é\r\ndata: 😀\r\n\r\ndata: second\n\n";
    const whole = framesOf(text);
    const sorted = fc
      .uniqueArray(fc.nat({ max: 60 }), { maxLength: 8 })
      .map((cuts) => cuts.sort((a, b) => a - b));
    fc.assert(
      fc.property(sorted, (cuts) => {
        const length = new TextEncoder().encode(text).length;
        const inside = cuts.filter((cut) => cut < length);
        expect(framesOf(text, inside)).toEqual(whole);
      }),
    );
  });

  it("are refused above the limit, whether they end or not", () => {
    const line = `data: ${"x".repeat(LIMIT)}`;
    expect(() => framesOf(`${line}\n\n`)).toThrow("more than 1000 characters");
    expect(() => framesOf(line)).toThrow("more than 1000 characters");
    const many = "data: y\n".repeat(LIMIT / 8 + 1);
    expect(() => framesOf(many)).toThrow("more than 1000 characters");
    expect(framesOf(`${"data: y\n".repeat(LIMIT / 8)}\n`.repeat(2))).toHaveLength(2);
  });
});
