import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, test } from "vitest";
import type { Blobs } from "./blobs.ts";
import { openBlobsDirectory } from "./blobs-directory.ts";
import { range } from "./conformance/fixture.ts";
import { useScratch } from "./conformance/scratch.ts";
import { systemRandom } from "./random.ts";

const scratch = useScratch();
const root = () => scratch("blobs");
let blobs: Blobs;

beforeEach(async () => {
  blobs = await openBlobsDirectory(root(), systemRandom);
});

const bytes = (text: string) => new TextEncoder().encode(text);
const addressOf = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text);
}

async function contentOf(
  sha256: string,
  within?: { start?: number; end?: number },
): Promise<string | undefined> {
  const content = await blobs.read(sha256, within);
  return content && Buffer.concat(await Array.fromAsync(content)).toString();
}

async function files(): Promise<string[]> {
  const entries = await readdir(root(), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test("a blob is found under the hash of its bytes", async () => {
  const content = bytes("hello, blob");
  const blob = await blobs.put(content);
  expect(blob).toEqual({ sha256: addressOf(content), sizeBytes: 11 });
  expect(await blobs.stat(blob.sha256)).toEqual(blob);
  expect(await contentOf(blob.sha256)).toBe("hello, blob");
  expect(await readFile(`${root()}/${blob.sha256.slice(0, 2)}/${blob.sha256}`, "utf8")).toBe("hello, blob");
});

test("streamed content makes the same blob, which is kept once", async () => {
  const whole = await blobs.put(bytes("hello, blob"));
  expect(await blobs.put(chunks("hel", "", "lo, ", "blob"))).toEqual(whole);
  expect(await Promise.all(range(20).map(() => blobs.put(chunks("hello, ", "blob"))))).toEqual(
    range(20).map(() => whole),
  );
  expect(await files()).toEqual([whole.sha256]);
});

test("the empty blob and a large one come back whole", async () => {
  const empty = await blobs.put(new Uint8Array());
  expect(empty.sizeBytes).toBe(0);
  expect(await contentOf(empty.sha256)).toBe("");
  const large = await blobs.put(chunks(...range(64).map((index) => `${index % 10}`.repeat(50_000))));
  expect(large.sizeBytes).toBe(64 * 50_000);
  expect(await contentOf(large.sha256)).toBe(
    range(64)
      .map((index) => `${index % 10}`.repeat(50_000))
      .join(""),
  );
});

test.each([
  [{}, "0123456789"],
  [{ start: 3 }, "3456789"],
  [{ end: 3 }, "012"],
  [{ start: 2, end: 5 }, "234"],
  [{ start: 9, end: 100 }, "9"],
  [{ start: 4, end: 4 }, ""],
  [{ start: 10 }, ""],
  [{ start: 100, end: 200 }, ""],
])("a range is read: %o", async (within, expected) => {
  const { sha256 } = await blobs.put(bytes("0123456789"));
  expect(await contentOf(sha256, within)).toBe(expected);
});

test("an unknown blob is absent", async () => {
  expect(await blobs.stat("0".repeat(64))).toBeUndefined();
  expect(await blobs.read("0".repeat(64))).toBeUndefined();
});

test("whatever is no address names no blob, whatever file it would lead to", async () => {
  await writeFile(scratch("secret"), "secret");
  const { sha256 } = await blobs.put(bytes("x"));
  for (const name of [
    "",
    "../secret",
    "../../secret",
    sha256.toUpperCase(),
    `${sha256}\n`,
    ` ${sha256}`,
    sha256.slice(1),
    `${sha256}0`,
  ]) {
    expect(await blobs.stat(name)).toBeUndefined();
    expect(await blobs.read(name)).toBeUndefined();
  }
});

describe("what was cut off", () => {
  test("leaves nothing when its source fails", async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytes("half");
      throw new Error("the source broke");
    }
    await expect(blobs.put(failing())).rejects.toThrow("the source broke");
    expect(await files()).toEqual([]);
    expect(await blobs.stat(addressOf(bytes("half")))).toBeUndefined();
  });

  test("by the death of the process is swept away at the next start", async () => {
    const kept = await blobs.put(bytes("kept"));
    await writeFile(`${root()}/incoming/leftover`, "half");
    blobs = await openBlobsDirectory(root(), systemRandom);
    expect(await files()).toEqual([kept.sha256]);
    expect(await contentOf(kept.sha256)).toBe("kept");
  });
});

test("a reader that stops early keeps nothing open, one that never starts neither", async () => {
  const { sha256 } = await blobs.put(chunks(...range(40).map(() => "x".repeat(50_000))));
  const openFiles = async () => (await readdir("/proc/self/fd").catch(() => [])).length;
  const before = await openFiles();
  for (const _ of range(20)) {
    await blobs.read(sha256);
    for await (const chunk of (await blobs.read(sha256)) ?? []) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break;
    }
  }
  expect(await openFiles()).toBeLessThan(before + 20);
});

test.skipIf(process.platform === "win32")("only their owner may read blobs", async () => {
  const { sha256 } = await blobs.put(bytes("private"));
  const modes = [root(), `${root()}/${sha256.slice(0, 2)}`, `${root()}/${sha256.slice(0, 2)}/${sha256}`];
  expect(await Promise.all(modes.map(async (path) => (await stat(path)).mode & 0o777))).toEqual([
    0o700, 0o700, 0o600,
  ]);
});
