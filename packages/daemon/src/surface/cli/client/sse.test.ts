import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_FRAME_BYTES, type RawFrame, readFrames } from "./sse.ts";

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of cuts) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
  yield bytes.subarray(start);
}

async function framesOf(text: string, cuts: readonly number[] = []): Promise<RawFrame[]> {
  return Array.fromAsync(readFrames(chunked(new TextEncoder().encode(text), cuts)));
}

describe("event stream frames", () => {
  it("have an id, a name and data", async () => {
    const text = ': a comment\n\nid: 7\nevent: trace\ndata: {"a":\ndata:1}\n\ndata: x\nretry: 5\n\nid: 9\n\n';
    expect(await framesOf(text)).toEqual([
      { id: "7", event: "trace", data: '{"a":\n1}' },
      { event: "message", data: "x" },
    ]);
  });

  it("end with any of the three line ends", async () => {
    expect(await framesOf("data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n")).toEqual(
      ["1", "2", "3"].map((data) => ({ event: "message", data })),
    );
  });

  it("do not depend on how the bytes were cut", async () => {
    const text = "id: 1\r\nevent: é\r\ndata: 😀\r\n\r\ndata: second\n\n";
    const whole = await framesOf(text);
    const sorted = fc
      .uniqueArray(fc.nat({ max: 60 }), { maxLength: 8 })
      .map((cuts) => cuts.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(sorted, async (cuts) => {
        const length = new TextEncoder().encode(text).length;
        const inside = cuts.filter((cut) => cut < length);
        expect(await framesOf(text, inside)).toEqual(whole);
      }),
    );
  });

  it("are refused above the limit, whether they end or not", async () => {
    const line = `data: ${"x".repeat(MAX_FRAME_BYTES)}`;
    await expect(framesOf(`${line}\n\n`)).rejects.toThrow("more than 1048576 bytes");
    await expect(framesOf(line)).rejects.toThrow("more than 1048576 bytes");
    const many = "data: y\n".repeat(MAX_FRAME_BYTES / 8 + 1);
    await expect(framesOf(many)).rejects.toThrow("more than 1048576 bytes");
  });
});
