import { expect, test } from "vitest";
import { reconnectDelayMs } from "./reconnect.ts";

test("03, MCP client: a server is left alone twice as long after each failure, for a minute at most", () => {
  const delays = [0, 1, 2, 3, 6, 7, 2_000].map((failed) => reconnectDelayMs(failed, 0.5));
  expect(delays).toEqual([1_000, 1_000, 2_000, 4_000, 32_000, 60_000, 60_000]);
});

test("03, MCP client: chance moves the wait by a quarter either way", () => {
  expect([0, 0.5, 1].map((jitter) => reconnectDelayMs(2, jitter))).toEqual([1_500, 2_000, 2_500]);
});
