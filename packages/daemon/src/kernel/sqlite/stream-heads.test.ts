import { expect, test } from "vitest";
import { range } from "../conformance/fixture.ts";
import { MAX_HEADS, StreamHeads } from "./stream-heads.ts";

test("what was used longest ago makes room", () => {
  const heads = new StreamHeads();
  for (const id of range(MAX_HEADS)) heads.add(`s${id}`, { id, lastSeq: 0 });
  expect(heads.get("s0")).toEqual({ id: 0, lastSeq: 0 });
  heads.add("new", { id: MAX_HEADS, lastSeq: 0 });
  expect(heads.get("s1")).toBeUndefined();
  expect(heads.get("s0")).toBeDefined();
  expect(heads.get("new")).toBeDefined();
  heads.forget();
  expect(heads.get("new")).toBeUndefined();
});
